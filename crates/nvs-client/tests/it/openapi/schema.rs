//! As much of JSON Schema 2020-12 as the OpenAPI document uses. A keyword that is not known is a failure, so that
//! nothing in the document goes unchecked by mistake.

use std::collections::BTreeSet;

use serde_json::Value;

/// The OpenAPI document of the protocol.
pub(crate) struct Document(pub(crate) Value);

impl Document {
    pub(crate) fn load() -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/calender-sync-protocol.yaml");
        let text = std::fs::read_to_string(path).unwrap();
        Self(serde_saphyr::from_str(&text).unwrap())
    }

    pub(crate) fn schema(&self, name: &str) -> &Value {
        &self.0["components"]["schemas"][name]
    }

    pub(crate) fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(target) => {
                self.0.pointer(target.strip_prefix('#').unwrap()).unwrap_or_else(|| panic!("{target}"))
            }
            None => schema,
        }
    }

    /// What is wrong with `value`, one line each.
    pub(crate) fn faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let mut faults = Vec::new();
        self.check(schema, value, "", &mut faults);
        faults
    }

    /// All properties of an object schema, those of its parts included.
    pub(crate) fn properties(&self, schema: &Value) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let schema = self.resolve(schema);
        names.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
        for part in schema["allOf"].as_array().into_iter().flatten() {
            names.extend(self.properties(part));
        }
        names
    }

    /// Checks and gives the names of the properties that were looked at.
    fn check(&self, schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) -> BTreeSet<String> {
        let mut looked_at = BTreeSet::new();
        let keywords = schema.as_object().unwrap_or_else(|| panic!("{at}: not a schema: {schema}"));
        let number = |value: &Value| value.as_i64().unwrap_or_default();
        for (keyword, rule) in keywords {
            let holds = match keyword.as_str() {
                "type" => match rule {
                    Value::Array(types) => types.iter().any(|name| is(value, name)),
                    name => is(value, name),
                },
                "const" => value == rule,
                "enum" => rule.as_array().unwrap().contains(value),
                "required" => {
                    let names = rule.as_array().unwrap().iter();
                    !value.is_object()
                        || names.clone().all(|name| value.get(name.as_str().unwrap()).is_some())
                }
                "minimum" => !value.is_number() || number(value) >= number(rule),
                "maximum" => !value.is_number() || number(value) <= number(rule),
                "minLength" => {
                    value.as_str().is_none_or(|text| text.chars().count() as u64 >= rule.as_u64().unwrap())
                }
                "maxLength" => {
                    value.as_str().is_none_or(|text| text.chars().count() as u64 <= rule.as_u64().unwrap())
                }
                "minItems" => value.as_array().is_none_or(|list| list.len() as u64 >= rule.as_u64().unwrap()),
                "maxItems" => value.as_array().is_none_or(|list| list.len() as u64 <= rule.as_u64().unwrap()),
                "pattern" => value.as_str().is_none_or(|text| matches(rule.as_str().unwrap(), text)),
                // Looked at below, or of no effect here.
                "$ref"
                | "allOf"
                | "oneOf"
                | "not"
                | "properties"
                | "patternProperties"
                | "additionalProperties"
                | "unevaluatedProperties"
                | "propertyNames"
                | "items"
                | "description"
                | "examples"
                | "default"
                | "format"
                | "discriminator"
                | "uniqueItems"
                | "maxProperties" => true,
                unknown => panic!("the keyword {unknown} is not known to this test"),
            };
            if !holds {
                faults.push(format!("{at}: {value} does not keep {keyword} {rule}"));
            }
        }
        if schema.get("$ref").is_some() {
            looked_at.extend(self.check(self.resolve(schema), value, at, faults));
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            looked_at.extend(self.check(part, value, at, faults));
        }
        if let Some(choices) = schema["oneOf"].as_array() {
            let tried: Vec<(Vec<String>, BTreeSet<String>)> = choices
                .iter()
                .map(|choice| {
                    let mut own = Vec::new();
                    let seen = self.check(choice, value, at, &mut own);
                    (own, seen)
                })
                .collect();
            let fitting: Vec<_> = tried.iter().filter(|(own, _)| own.is_empty()).collect();
            match fitting.as_slice() {
                [(_, seen)] => looked_at.extend(seen.iter().cloned()),
                _ => faults.push(format!("{at}: {} of the choices fit: {:?}", fitting.len(), tried)),
            }
        }
        if let Some(not) = schema.get("not")
            && self.faults(not, value).is_empty()
        {
            faults.push(format!("{at}: fits what it must not"));
        }
        if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
            for (index, item) in list.iter().enumerate() {
                self.check(items, item, &format!("{at}/{index}"), faults);
            }
        }
        let Some(members) = value.as_object() else { return looked_at };
        for (name, member) in members {
            let at = format!("{at}/{name}");
            if let Some(names) = schema.get("propertyNames") {
                self.check(names, &Value::String(name.clone()), &at, faults);
            }
            if let Some(property) = schema["properties"].get(name) {
                looked_at.insert(name.clone());
                self.check(property, member, &at, faults);
                continue;
            }
            if schema.get("patternProperties").is_some() && name.starts_with("x-") {
                looked_at.insert(name.clone());
                continue;
            }
            match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => faults.push(format!("{at}: is not a member of the schema")),
                Some(Value::Bool(true)) | None => {}
                Some(rest) => {
                    looked_at.insert(name.clone());
                    self.check(rest, member, &at, faults);
                }
            }
        }
        if schema.get("unevaluatedProperties") == Some(&Value::Bool(false)) {
            for name in members.keys().filter(|name| !looked_at.contains(*name)) {
                faults.push(format!("{at}/{name}: is not a member of the schema"));
            }
        }
        looked_at
    }
}

fn is(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        unknown => panic!("the type {unknown} is not known to this test"),
    }
}

/// The few patterns of the document.
fn matches(pattern: &str, text: &str) -> bool {
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    match pattern {
        r"^[0-9]+\.[0-9]+$" => shape.split('.').count() == 2 && shape.chars().all(|c| c == '0' || c == '.'),
        "^#[0-9A-Fa-f]{6}$" => {
            text.len() == 7 && text.starts_with('#') && text.chars().skip(1).all(|c| c.is_ascii_hexdigit())
        }
        "^[0-9a-f]{64}$" => {
            text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        }
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$" => shape == "0000-00-00T00:00:00",
        "^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2})?$" => {
            shape == "0000-00-00" || shape == "0000-00-00T00:00:00"
        }
        other => panic!("the pattern {other} is not known to this test"),
    }
}

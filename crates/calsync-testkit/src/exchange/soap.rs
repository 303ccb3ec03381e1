//! SOAP around an operation: headers in, envelope or fault out.
//!
//! In: the parsed request. Out: a [`Context`] with version, caller and zone of the request, or a [`Fault`]. Answers are
//! written in the way of the server's generation: 2007 writes `soap:Envelope`, later ones `s:Envelope`.

use super::faults::{Fault, Refusal};
use super::fields;
use super::grammar;
use super::version::{Schema, ServerVersion};
use super::world::{Caller, World};
use super::xml::{ERRORS, MESSAGES, Node, Ns, SOAP, TYPES, Xml};
use super::zones::Zone;

/// What every operation needs to know about its request.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) schema: Schema,
    pub(crate) caller: Caller,
    /// From the `TimeZoneContext` header; ignored by Exchange 2007.
    pub(crate) zone: Option<Zone>,
    /// From `TimeZoneContext` or UTC: the zone answers are written in.
    pub(crate) now: jiff::Timestamp,
}

impl Context {
    /// Whether the request knows what came with `schema`.
    pub(crate) fn knows(&self, schema: Schema) -> bool {
        self.schema >= schema
    }

    /// An instant as this request wants to read it: UTC, or the zone of its context.
    pub(crate) fn time(&self, instant: jiff::Timestamp) -> String {
        match &self.zone {
            Some(zone) => super::time::zoned(instant, zone),
            None => super::time::utc(instant),
        }
    }
}

/// Finds the operation in an envelope.
pub(crate) fn operation(envelope: &Node) -> Result<&Node, Fault> {
    if envelope.name != "Envelope" || envelope.ns != Ns::Soap {
        return Err(Fault::new("ErrorInvalidRequest", "The request is not a SOAP 1.1 envelope."));
    }
    envelope
        .child("Body")
        .and_then(|body| body.children.first())
        .filter(|operation| operation.ns == Ns::Messages)
        .ok_or_else(|| Fault::new("ErrorInvalidRequest", "The request has no operation in its SOAP body."))
}

/// Reads the headers and checks the operation against the schema that they name.
pub(crate) fn context(world: &World, caller: Caller, envelope: &Node) -> Result<Context, Fault> {
    let header = envelope.child("Header");
    let schema = requested_schema(header, world.version)?;
    let caller = match header.and_then(|h| h.child("ExchangeImpersonation")) {
        None => caller,
        Some(node) => {
            if header.is_some_and(|h| h.child("SerializedSecurityContext").is_some()) {
                return Err(Fault::new(
                    "ErrorMoreThanOneAccessModeSpecified",
                    "More than one access mode was specified.",
                ));
            }
            let address = node
                .child("ConnectingSID")
                .and_then(|sid| {
                    sid.children.iter().find(|c| {
                        matches!(c.name.as_str(), "PrimarySmtpAddress" | "SmtpAddress" | "PrincipalName")
                    })
                })
                .map(|c| c.text.trim())
                .filter(|t| !t.is_empty())
                .ok_or_else(|| {
                    Fault::new(
                        "ErrorInvalidExchangeImpersonationHeaderData",
                        "ExchangeImpersonation SOAP header must be present for this type of OAuth token.",
                    )
                })?;
            world.impersonate(&caller, address)?
        }
    };
    let zone = match header.and_then(|h| h.path(&["TimeZoneContext", "TimeZoneDefinition"])) {
        Some(definition) if schema >= Schema::E2010 => Some(super::zone_xml::read_definition(definition)?),
        _ => None,
    };
    if let Some(header) = header {
        for part in &header.children {
            grammar::check(part, schema)?;
        }
    }
    Ok(Context { schema, caller, zone, now: world.now() })
}

fn requested_schema(header: Option<&Node>, version: ServerVersion) -> Result<Schema, Fault> {
    let Some(node) = header.and_then(|h| h.child("RequestServerVersion")) else {
        return Ok(Schema::E2007Sp1);
    };
    let Some(text) = node.attr("Version") else {
        return Err(Fault::schema("The required attribute 'Version' is missing."));
    };
    Schema::from_request(text)
        .filter(|schema| {
            *schema <= version.newest() || (*schema == Schema::Se && version >= ServerVersion::Exchange2016)
        })
        .map(|schema| schema.on(version).min(version.newest()))
        .ok_or_else(|| Fault::new("ErrorInvalidServerVersion", "The specified server version is invalid."))
}

/// Checks the operation's elements, attributes and field names.
pub(crate) fn check_operation(operation: &Node, schema: Schema) -> Result<(), Fault> {
    grammar::check(operation, schema)?;
    fields::check_uris(operation, schema)
}

/// Wraps the inside of a body into an envelope.
pub(crate) fn envelope(version: ServerVersion, body: &str) -> String {
    let (major, minor, build, revision) = version.build();
    let numbers = [major, minor, build, revision].map(|n| n.to_string());
    let [major, minor, build, revision] = &numbers;
    let old = version == ServerVersion::Exchange2007Sp1;
    let (soap, header) = if old { ("soap", "t") } else { ("s", "h") };
    let mut xml = Xml::default();
    xml.raw("<?xml version=\"1.0\" encoding=\"utf-8\"?>");
    xml.open_with(&format!("{soap}:Envelope"), &[(&format!("xmlns:{soap}"), SOAP)]);
    xml.open(&format!("{soap}:Header"));
    xml.empty_with(
        &format!("{header}:ServerVersionInfo"),
        &[
            ("MajorVersion", major.as_str()),
            ("MinorVersion", minor.as_str()),
            ("MajorBuildNumber", build.as_str()),
            ("MinorBuildNumber", revision.as_str()),
            ("Version", version.reported()),
            (&format!("xmlns:{header}"), TYPES),
        ],
    );
    xml.close();
    xml.open_with(
        &format!("{soap}:Body"),
        &[
            ("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance"),
            ("xmlns:xsd", "http://www.w3.org/2001/XMLSchema"),
        ],
    );
    xml.raw(body);
    xml.finish()
}

/// The inside of a body for a fault.
pub(crate) fn fault_body(version: ServerVersion, fault: &Fault) -> String {
    let Fault(refusal) = fault;
    let soap = if version == ServerVersion::Exchange2007Sp1 { "soap" } else { "s" };
    let mut xml = Xml::default();
    xml.open(&format!("{soap}:Fault"));
    xml.leaf_with("faultcode", &[("xmlns:a", TYPES)], &format!("a:{}", refusal.code));
    let text = if refusal.code == "ErrorSchemaValidation" {
        format!("The request failed schema validation: {}", refusal.text)
    } else {
        refusal.text.clone()
    };
    xml.leaf_with("faultstring", &[("xml:lang", "en-US")], &text);
    xml.open("detail");
    xml.leaf_with("e:ResponseCode", &[("xmlns:e", ERRORS)], &refusal.code);
    xml.leaf_with("e:Message", &[("xmlns:e", ERRORS)], &refusal.text);
    if !refusal.values.is_empty() {
        xml.open_with("t:MessageXml", &[("xmlns:t", TYPES)]);
        for (name, value) in &refusal.values {
            xml.leaf_with("t:Value", &[("Name", name)], value);
        }
        xml.close();
    }
    xml.finish()
}

/// Collects response messages, one for each entry of the request, in its order.
#[derive(Debug)]
pub(crate) struct Reply {
    xml: Xml,
    message: String,
    /// What an error message of this operation still has to hold by the schema.
    on_error: &'static [&'static str],
}

impl Reply {
    /// Starts the answer of an operation.
    pub(crate) fn new(operation: &str, on_error: &'static [&'static str]) -> Self {
        let mut xml = Xml::default();
        xml.open_with(&format!("m:{operation}Response"), &[("xmlns:m", MESSAGES), ("xmlns:t", TYPES)]);
        xml.open("m:ResponseMessages");
        Self { xml, message: format!("m:{operation}ResponseMessage"), on_error }
    }

    /// Adds an entry that went well.
    pub(crate) fn success(&mut self, payload: impl FnOnce(&mut Xml)) {
        self.xml.open_with(&self.message, &[("ResponseClass", "Success")]);
        self.xml.leaf("m:ResponseCode", "NoError");
        payload(&mut self.xml);
        self.xml.close();
    }

    /// Adds an entry that is fine but needs attention, such as ambiguous names.
    pub(crate) fn warning(&mut self, code: &str, text: &str, payload: impl FnOnce(&mut Xml)) {
        self.xml.open_with(&self.message, &[("ResponseClass", "Warning")]);
        self.xml.leaf("m:MessageText", text);
        self.xml.leaf("m:ResponseCode", code);
        self.xml.leaf("m:DescriptiveLinkKey", "0");
        payload(&mut self.xml);
        self.xml.close();
    }

    /// Adds an entry that was refused.
    pub(crate) fn refused(&mut self, refusal: &Refusal) {
        self.xml.open_with(&self.message, &[("ResponseClass", "Error")]);
        self.xml.leaf("m:MessageText", &refusal.text);
        self.xml.leaf("m:ResponseCode", &refusal.code);
        self.xml.leaf("m:DescriptiveLinkKey", "0");
        if !refusal.values.is_empty() || refusal.field.is_some() {
            self.xml.open("m:MessageXml");
            if let Some(field) = &refusal.field {
                self.xml.empty_with("t:FieldURI", &[("FieldURI", field)]);
            }
            for (name, value) in &refusal.values {
                self.xml.leaf_with("t:Value", &[("Name", name)], value);
            }
            self.xml.close();
        }
        for element in self.on_error {
            self.xml.empty(element);
        }
        self.xml.close();
    }

    /// Adds an entry either way.
    pub(crate) fn entry(&mut self, outcome: Result<impl FnOnce(&mut Xml), Refusal>) {
        match outcome {
            Ok(payload) => self.success(payload),
            Err(refusal) => self.refused(&refusal),
        }
    }

    /// The inside of the body.
    pub(crate) fn finish(self) -> String {
        self.xml.finish()
    }
}

//! `GetServerTimeZones`: the zones the server knows, with or without their rules.

use super::super::soap::{Context, Reply};
use super::super::xml::{Node, Xml};
use super::super::zone_xml::write_definition;
use super::super::zones::Zone;

pub(super) fn run(ctx: &Context, operation: &Node) -> String {
    let mut reply = Reply::new("GetServerTimeZones", &["m:TimeZoneDefinitions"]);
    let full = operation.attr("ReturnFullTimeZoneData").is_none_or(|v| matches!(v, "true" | "1"));
    let wanted: Vec<&str> = operation
        .child("Ids")
        .map(|n| n.children.iter().map(|c| c.text.trim()).collect())
        .unwrap_or_default();
    reply.success(|xml: &mut Xml| {
        xml.open("m:TimeZoneDefinitions");
        for zone in Zone::all().filter(|z| wanted.is_empty() || wanted.contains(&z.id.as_str())) {
            if full {
                write_definition(xml, "t:TimeZoneDefinition", &zone, ctx.now);
            } else {
                xml.empty_with("t:TimeZoneDefinition", &[("Id", &zone.id), ("Name", zone.display_name())]);
            }
        }
        xml.close();
    });
    reply.finish()
}

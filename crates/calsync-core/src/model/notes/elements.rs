//! What the elements of HTML mean for a reader.

use super::scan;

/// Lists in lists are set in so often at most.
const DEEPEST: usize = 8;

/// What an element hands down.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Style {
    pub(super) hidden: bool,
    /// Line ends and spaces count.
    pub(super) verbatim: bool,
    /// A bullet that Word writes as text: its non-breaking spaces are no more than a distance.
    pub(super) bullet: bool,
    /// Lists around it.
    pub(super) depth: usize,
}

impl Style {
    /// What an element of that name and start tag hands down, if it stands in one that hands down `self`.
    pub(super) fn of(self, name: &str, source: &str) -> Style {
        let mut style = self;
        match name {
            "pre" => style.verbatim = true,
            "ul" | "ol" | "menu" | "dir" => style.depth += 1,
            "template" | "object" | "svg" | "select" | "datalist" => style.hidden = true,
            _ => {}
        }
        if let Some(written) = scan::value(source, "style") {
            let written: String =
                written.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect();
            style.hidden |= written.contains("display:none");
            style.bullet |= written.contains("mso-list:ignore");
            if written.contains("white-space:pre") {
                style.verbatim = true;
            } else if written.contains("white-space:n") {
                style.verbatim = false;
            }
        }
        style
    }
}

/// The sign at the start of a list item.
#[derive(Debug, Clone)]
pub(super) struct Mark {
    /// The `<li>`.
    pub(super) item: usize,
    /// Blanks before the sign.
    pub(super) indent: usize,
    /// Its number, in a numbered list.
    pub(super) number: Option<i64>,
}

impl Mark {
    /// The sign of `item` in a list around which there are `depth` lists with itself.
    pub(super) fn new(item: usize, depth: usize, number: Option<i64>) -> Mark {
        Mark { item, indent: 2 * depth.saturating_sub(1).min(DEEPEST), number }
    }

    /// The sign as it is read.
    pub(super) fn text(&self) -> String {
        let sign = self.number.map_or_else(|| "-".to_owned(), |number| format!("{number}."));
        format!("{}{sign} ", " ".repeat(self.indent))
    }
}

/// Whether what an element holds begins and ends with a line.
pub(super) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "dir"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "head"
            | "header"
            | "hr"
            | "html"
            | "legend"
            | "li"
            | "main"
            | "menu"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "tfoot"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// Whether an element has no end.
pub(super) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Whether an element shows something besides text.
pub(super) fn is_object(name: &str) -> bool {
    matches!(
        name,
        "audio" | "canvas" | "embed" | "hr" | "iframe" | "img" | "input" | "object" | "svg" | "video"
    )
}

/// A number in an attribute.
pub(super) fn number(text: &str) -> Option<i64> {
    text.trim().parse::<i32>().ok().map(i64::from)
}

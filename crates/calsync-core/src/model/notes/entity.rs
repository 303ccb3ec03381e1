//! Character references of HTML: `&amp;`, `&#228;`, `&#xe4;`.
//!
//! Knows the names of HTML 4, which are the ones that Outlook, Exchange and web mail write. What it does not know
//! stays as it is written, as in a browser.

/// Names of U+00A0 to U+00FF, in order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn \
    sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde \
    Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde \
    Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil \
    egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave \
    uacute ucirc uuml yacute thorn yuml";

/// The other names of HTML 4, each with its character.
const NAMED: &str = "amp & lt < gt > quot \" apos ' OElig Œ oelig œ Scaron Š scaron š Yuml Ÿ fnof ƒ circ ˆ tilde ˜ \
    Alpha Α Beta Β Gamma Γ Delta Δ Epsilon Ε Zeta Ζ Eta Η Theta Θ Iota Ι Kappa Κ Lambda Λ Mu Μ Nu Ν Xi Ξ Omicron Ο Pi Π \
    Rho Ρ Sigma Σ Tau Τ Upsilon Υ Phi Φ Chi Χ Psi Ψ Omega Ω alpha α beta β gamma γ delta δ epsilon ε zeta ζ eta η theta θ \
    iota ι kappa κ lambda λ mu μ nu ν xi ξ omicron ο pi π rho ρ sigmaf ς sigma σ tau τ upsilon υ phi φ chi χ psi ψ omega ω \
    thetasym ϑ upsih ϒ piv ϖ ndash – mdash — lsquo ‘ rsquo ’ sbquo ‚ ldquo “ rdquo ” bdquo „ dagger † Dagger ‡ bull • \
    hellip … permil ‰ prime ′ Prime ″ lsaquo ‹ rsaquo › oline ‾ frasl ⁄ euro € image ℑ weierp ℘ real ℜ trade ™ alefsym ℵ \
    larr ← uarr ↑ rarr → darr ↓ harr ↔ crarr ↵ lArr ⇐ uArr ⇑ rArr ⇒ dArr ⇓ hArr ⇔ forall ∀ part ∂ exist ∃ empty ∅ nabla ∇ \
    isin ∈ notin ∉ ni ∋ prod ∏ sum ∑ minus − lowast ∗ radic √ prop ∝ infin ∞ ang ∠ and ∧ or ∨ cap ∩ cup ∪ int ∫ there4 ∴ \
    sim ∼ cong ≅ asymp ≈ ne ≠ equiv ≡ le ≤ ge ≥ sub ⊂ sup ⊃ nsub ⊄ sube ⊆ supe ⊇ oplus ⊕ otimes ⊗ perp ⊥ sdot ⋅ lceil ⌈ \
    rceil ⌉ lfloor ⌊ rfloor ⌋ lang ⟨ rang ⟩ loz ◊ spades ♠ clubs ♣ hearts ♥ diams ♦";

/// Names without a character that can be printed in a source.
const SPACES: [(&str, char); 7] = [
    ("ensp", '\u{2002}'),
    ("emsp", '\u{2003}'),
    ("thinsp", '\u{2009}'),
    ("zwnj", '\u{200c}'),
    ("zwj", '\u{200d}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
];

/// What browsers make of `&#128;` to `&#159;`: the characters of Windows-1252.
const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// The longest name, `thetasym`, and a little more: what is longer is no reference.
const LONGEST: usize = 10;

/// Reads the reference at the start of `text`, which begins with `&`: the character and the length of what was read.
/// `None` where that is no reference but an ampersand.
pub(super) fn reference(text: &str) -> Option<(char, usize)> {
    let rest = text.strip_prefix('&')?;
    if let Some(number) = rest.strip_prefix('#') {
        let (digits, radix, skipped) = match number.strip_prefix(['x', 'X']) {
            Some(hex) => (hex, 16, 3),
            None => (number, 10, 2),
        };
        let length = digits.bytes().take_while(|byte| char::from(*byte).is_digit(radix)).count();
        let written = digits.get(..length).filter(|written| !written.is_empty())?;
        let code = u32::from_str_radix(written.trim_start_matches('0'), radix);
        let code = if written.bytes().all(|byte| byte == b'0') { 0 } else { code.unwrap_or(u32::MAX) };
        let semicolon = usize::from(digits.get(length..).is_some_and(|rest| rest.starts_with(';')));
        return Some((numbered(code), skipped + length + semicolon));
    }
    let length = rest.bytes().take(LONGEST).take_while(u8::is_ascii_alphanumeric).count();
    let name = rest.get(..length).filter(|name| !name.is_empty())?;
    let semicolon = rest.get(length..).is_some_and(|rest| rest.starts_with(';'));
    let latin = || {
        let at = LATIN.split_ascii_whitespace().position(|known| known == name)?;
        char::from_u32(u32::try_from(at).ok()?.checked_add(0xa0)?)
    };
    let other = || {
        let mut words = NAMED.split_ascii_whitespace();
        while let (Some(known), Some(value)) = (words.next(), words.next()) {
            if known == name {
                return value.chars().next();
            }
        }
        SPACES.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    };
    // Old pages leave the semicolon out; browsers take that for the old names only.
    let found = latin()
        .or_else(|| (semicolon || matches!(name, "amp" | "lt" | "gt" | "quot")).then(other).flatten())?;
    Some((found, 1 + length + usize::from(semicolon)))
}

fn numbered(code: u32) -> char {
    let windows = code.checked_sub(0x80).and_then(|at| WINDOWS.chars().nth(usize::try_from(at).ok()?));
    windows
        .or_else(|| char::from_u32(code))
        .filter(|found| *found != '\0')
        .unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// `text` with its references read.
pub(super) fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let (found, length) = reference(from).unwrap_or(('&', 1));
        out.push(found);
        rest = from.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_as_browsers_read_them() {
        for (written, read) in [
            ("&amp;&lt;&gt;&quot;&apos;", "&<>\"'"),
            ("&auml;&szlig;&yuml;&nbsp;", "äßÿ\u{a0}"),
            ("&euro; &ndash; &bull; &zwnj;", "€ – • \u{200c}"),
            ("&#228;&#xE4;&#XE4;&#228x", "ääääx"),
            ("&#128;&#150;", "€–"),
            ("&#0;&#x110000;&#99999999999999999999;&#xd800;", "\u{fffd}\u{fffd}\u{fffd}\u{fffd}"),
            ("&nbspx &nbsp x", "&nbspx \u{a0} x"),
            ("&ltx &lt 5", "&ltx < 5"),
            ("&bull x &unknown; & &; &# &#x;", "&bull x &unknown; & &; &# &#x;"),
            ("a&", "a&"),
        ] {
            assert_eq!(decode(written), read, "{written}");
        }
    }

    #[test]
    fn every_name_of_html_4_is_there() {
        assert_eq!(LATIN.split_ascii_whitespace().count(), 96);
        assert_eq!(NAMED.split_ascii_whitespace().count() % 2, 0);
        let named = NAMED.split_ascii_whitespace().count() / 2 + SPACES.len();
        assert_eq!(96 + named, 253, "252 and apos");
    }
}

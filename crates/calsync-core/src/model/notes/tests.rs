//! What is read in HTML, and what becomes of HTML when its text is edited.

#![allow(clippy::disallowed_methods, reason = "what must not take long needs a clock to be tested")]

use proptest::prelude::*;

use super::*;

fn read(html: &str) -> String {
    Notes::html(html).reading()
}

/// `html` after a person changed its text to `text`, checked.
fn rewrite(html: &str, text: &str) -> String {
    let merged = Notes::html(html).rewritten(&Notes::plain(text));
    assert_eq!(merged.reading(), Notes::plain(text).reading(), "of {}", merged.text);
    merged.text
}

/// As Outlook writes.
const OUTLOOK: &str = "<html xmlns:v=\"urn:schemas-microsoft-com:vml\" xmlns:o=\"urn:schemas-microsoft-com:office:office\">\n\
    <head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\n\
    <meta name=\"Generator\" content=\"Microsoft Word 15 (filtered medium)\">\n<style><!--\n/* Font Definitions */\n\
    p.MsoNormal {margin:0cm; font-size:11.0pt}\n--></style><!--[if gte mso 9]><xml>\n<o:shapedefaults v:ext=\"edit\"/>\n\
    </xml><![endif]-->\n</head>\n<body lang=\"DE\" link=\"#0563C1\" style=\"word-wrap:break-word\">\n\
    <div class=\"WordSection1\">\n<p class=\"MsoNormal\">Treffpunkt: <b>Halle&nbsp;3</b><o:p></o:p></p>\n\
    <p class=\"MsoNormal\"><o:p>&nbsp;</o:p></p>\n\
    <p class=\"MsoNormal\"><span style=\"color:#1F497D\">Lange Leiter\nmitbringen &amp; Helm<o:p></o:p></span></p>\n\
    <p class=\"MsoListParagraph\" style=\"text-indent:-18.0pt\"><![if !supportLists]><span style=\"font-family:Symbol\">\
    <span style=\"mso-list:Ignore\">·<span style=\"font:7.0pt &quot;Times&quot;\">&nbsp;&nbsp;&nbsp;&nbsp; </span></span></span>\
    <![endif]>erster Punkt<o:p></o:p></p>\n\
    <table class=\"MsoNormalTable\"><tbody><tr><td><p class=\"MsoNormal\">Mo<o:p></o:p></p></td><td><p class=\"MsoNormal\">8 Uhr\
    <o:p></o:p></p></td></tr><tr><td><p class=\"MsoNormal\">Di<o:p></o:p></p></td><td><p class=\"MsoNormal\">9 Uhr<o:p></o:p></p>\
    </td></tr></tbody></table>\n<p class=\"MsoNormal\"><a href=\"https://example.com/plan?a=1&amp;b=2\">Plan</a><o:p></o:p></p>\n\
    </div>\n</body>\n</html>";

const OUTLOOK_READ: &str = "Treffpunkt: Halle 3\n\nLange Leiter mitbringen & Helm\n· erster Punkt\nMo | 8 Uhr\nDi | 9 Uhr\n\
    Plan <https://example.com/plan?a=1&b=2>";

/// As Exchange shows plain text.
const CONVERTED: &str = "<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\">\n\
    <!-- converted from text -->\n<style><!-- .EmailQuote { margin-left: 1pt; } --></style>\n</head>\n<body>\n\
    <font size=\"2\"><span style=\"font-size:11pt;\"><div class=\"PlainText\">erste Zeile<br>\nzweite &lt;Zeile&gt;<br>\n<br>\n\
    &nbsp;&nbsp; vierte</div></span></font>\n</body>\n</html>";

#[test]
fn outlook_text_is_read_as_it_looks() {
    assert_eq!(read(OUTLOOK), OUTLOOK_READ);
    assert_eq!(read(CONVERTED), "erste Zeile\nzweite <Zeile>\n\n   vierte");
    assert_eq!(read("<div dir=\"ltr\">a<div><br></div><div>b</div><br></div>"), "a\n\nb");
}

#[test]
fn each_form_of_html_is_read_as_it_looks() {
    for (html, text) in [
        ("a  b\n c", "a b c"),
        ("a<br>b<br/><br>c<br>", "a\nb\n\nc"),
        ("<p>a</p>\n<p>b</p><p></p><p>&nbsp;</p><p>c</p>", "a\nb\n\nc"),
        ("x<div>y</div>z", "x\ny\nz"),
        ("<div><div>a</div></div><div>b<br></div>c", "a\nb\nc"),
        ("<b>a</b> <i> b</i>c", "a bc"),
        ("a&nbsp;&nbsp;b&nbsp;", "a  b"),
        ("<p>&nbsp;</p>a", "\na"),
        ("1 < 2 & 3 > 2 &lt;b&gt; &#228;&euro;", "1 < 2 & 3 > 2 <b> ä€"),
        ("<ul><li>a</li><li><p>b</p></li><li></li></ul>c", "- a\n- b\nc"),
        ("<ol start=3><li>a<li value=7>b<li>c</ol>", "3. a\n7. b\n8. c"),
        ("<ul><li>a<ul><li>b</li></ul></li><li style='list-style-type: none'>c</li></ul>", "- a\n  - b\nc"),
        ("<table><tr><td>a<td> <b>b</b> <tr><th>c</th><th></th><th>d</th></tr></table>e", "a | b\nc | d\ne"),
        ("<table><tr><td><p>a</p><p>b</p></td><td>c</td></tr></table>", "a\nb | c"),
        ("<pre>\na\n  b\tc</pre>d", "a\n  b    c\nd"),
        (
            "<a href=\"http://x.example/\">x.example</a> <a href='#top'>y</a> <a href=mailto:a@x.example>Anna</a>.",
            "x.example y Anna <mailto:a@x.example>.",
        ),
        ("<style>p{}</style><script>x</script><!-- y --><title>t</title>z", "z"),
        ("a<span style='display: none'>b<p>c</p></span>d", "a\nd"),
        ("a<hr>b", "a\n---\nb"),
        ("a<img src=x alt=y>b", "ab"),
        ("<p>a<p>b</div></i></p></p>c", "a\nb\nc"),
        ("<b><p>a</b>b</p>c", "ab\nc"),
        ("a<!-- b", "a"),
        ("a<p title='b>", "a"),
        ("a\u{1}&#2;b", "ab"),
    ] {
        assert_eq!(read(html), text, "{html}");
    }
}

#[test]
fn a_frame_around_nothing_is_no_text() {
    let empty = "<html><head><style>p{}</style></head><body><div class=WordSection1><p class=MsoNormal><o:p>&nbsp;</o:p></p></div>";
    assert_eq!(Notes::html(empty), Notes::default());
    let image = Notes::html("<body><img src=\"cid:1\"></body>");
    assert!(!image.is_empty());
    assert_eq!(image.reading(), "");
}

#[test]
fn a_changed_word_changes_only_itself() {
    let text = OUTLOOK_READ.replace("Halle", "Tor").replace("Leiter", "Leitern");
    let expected = OUTLOOK.replace("Halle", "Tor").replace("Leiter", "Leitern");
    assert_eq!(rewrite(OUTLOOK, &text), expected);
    let text = OUTLOOK_READ.replace("9 Uhr", "10 Uhr").replace("Plan <", "Lageplan <");
    let expected = OUTLOOK.replace("9 Uhr", "10 Uhr").replace(">Plan<", ">Lageplan<");
    assert_eq!(rewrite(OUTLOOK, &text), expected);
    assert_eq!(
        rewrite(CONVERTED, "erste <b> Zeile\nzweite <Zeile>\n\n   vierte"),
        CONVERTED.replace("erste ", "erste &lt;b&gt; ")
    );
    assert_eq!(rewrite("<p>a <b>c</b></p>", "a b c"), "<p>a b <b>c</b></p>");
    assert_eq!(rewrite("<p>a b c</p>", "a  c"), "<p>a &nbsp;c</p>");
    assert_eq!(rewrite("<p>a b</p>", "  b"), "<p>&nbsp;&nbsp;b</p>");
}

#[test]
fn a_new_line_is_a_block_like_its_neighbour() {
    assert_eq!(
        rewrite("<p class=\"a\">x</p>\n<p>y</p>", "x\nnew\ny"),
        "<p class=\"a\">x</p><p class=\"a\">new</p>\n<p>y</p>"
    );
    assert_eq!(
        rewrite("<p class=MsoNormal id=1><span style='font-size:9pt'>x<o:p></o:p></span></p>", "x\n\n y & z"),
        "<p class=MsoNormal id=1><span style='font-size:9pt'>x<o:p></o:p></span></p>\
         <p class=\"MsoNormal\"><span style=\"font-size:9pt\">&nbsp;</span></p>\
         <p class=\"MsoNormal\"><span style=\"font-size:9pt\">&nbsp;y &amp; z</span></p>"
    );
    assert_eq!(rewrite("<h1>x</h1>", "x\ny"), "<h1>x</h1><div>y</div>");
    assert_eq!(rewrite("<div>a<br>c</div>", "a\nb\nc\n\nd"), "<div>a<br>b<br>c<br>&nbsp;<br>d</div>");
    assert_eq!(rewrite("<div>b<br>c</div>", "a\nb\nc"), "<div>a<br>b<br>c</div>");
    assert_eq!(rewrite("<p>b</p>", "a\nb"), "<p>a</p><p>b</p>");
    assert_eq!(
        rewrite("<ul><li>a</li><li>c</li></ul>", "- a\n- b\n- c\nd"),
        "<ul><li>a</li><li>b</li><li>c</li><li style=\"list-style-type:none\">d</li></ul>"
    );
    assert_eq!(
        rewrite("<ol><li>a</li><li>c</li></ol>", "1. a\n2. b\n3. c"),
        "<ol><li>a</li><li value=\"2\">b</li><li value=\"3\">c</li></ol>"
    );
}

#[test]
fn numbers_of_lists_are_those_of_the_text() {
    let list = "<ol><li>a</li><li>b</li><li>c</li><li>d</li></ol>";
    assert_eq!(rewrite(list, "1. a\n3. c\n4. d"), "<ol><li>a</li><li value=\"3\">c</li><li>d</li></ol>");
    assert_eq!(
        rewrite(list, "1. a\n2. c\n3. d"),
        "<ol><li>a</li><li value=\"2\">c</li><li value=\"3\">d</li></ol>"
    );
    assert_eq!(
        rewrite(list, "1. a\nb\n3. c\n4. d"),
        "<ol><li>a</li><li style=\"list-style-type:none\">b</li><li value=\"3\">c</li><li>d</li></ol>"
    );
}

#[test]
fn a_line_that_went_takes_its_block_along() {
    assert_eq!(rewrite("<p>a</p><p><b>b</b></p><p>c</p>", "a\nc"), "<p>a</p><p>c</p>");
    assert_eq!(rewrite("<div>a<br>b<br>c</div>", "a\nc"), "<div>a<br>c</div>");
    assert_eq!(rewrite("<p>a</p><ul><li>b</li><li>c</li></ul>", "a"), "<p>a</p>");
    assert_eq!(rewrite("<p>a</p><ul><li>b</li><li>c</li></ul>", "a\n- c"), "<p>a</p><ul><li>c</li></ul>");
    assert_eq!(rewrite("x<p>a</p>y", "x\ny"), "x<p></p>y");
    assert_eq!(
        rewrite("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>", "c | d"),
        "<table><tr><td>c</td><td>d</td></tr></table>"
    );
    assert_eq!(rewrite("<p>a</p><p><img src=x>b</p>", "a"), "<p>a</p><p><img src=x></p>");
}

#[test]
fn what_is_made_for_the_reader_can_be_edited_away() {
    let row = "<table><tr><td>a</td><td>b</td></tr></table><p>c</p>";
    assert_eq!(rewrite(row, "a - b\nc"), "<table><tr><td>a - b</td><td></td></tr></table><p>c</p>");
    assert_eq!(
        rewrite("<p><a href=\"http://x.example\">here</a> now</p><p><b>c</b></p>", "there now\nc"),
        "<p>there now<a href=\"http://x.example\"></a></p><p><b>c</b></p>"
    );
    assert_eq!(rewrite("<ul><li>a</li></ul>", "a"), "<ul><li style=\"list-style-type:none\">a</li></ul>");
}

#[test]
fn everything_can_be_replaced_and_taken_away() {
    assert_eq!(Notes::html(OUTLOOK).rewritten(&Notes::plain("")), Notes::default());
    let replaced = rewrite(OUTLOOK, "etwas <ganz> Anderes");
    assert!(replaced.starts_with(&OUTLOOK[..OUTLOOK.find("<p class").unwrap()]), "{replaced}");
    assert!(replaced.ends_with("</div>\n</body>\n</html>"), "{replaced}");
    assert_eq!(
        rewrite("<body><img src=x></body>", "a\n\nb"),
        "<body><div>a</div><div><br></div><div>b</div><img src=x></body>"
    );
}

#[test]
fn text_with_marks_of_html_is_text() {
    let text = "</div></body><!-- &amp; <b>x</b> <script> \"quoted\" 'quoted'";
    assert!(rewrite(OUTLOOK, &format!("{OUTLOOK_READ}\n{text}")).contains("&lt;script&gt;"));
    rewrite("AT&T", "AT&Tamp;");
    rewrite("a <", "a <b>");
    rewrite("&am x", "&amp; x");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "this measures time")]
fn hostile_text_is_read_in_time() {
    for part in [
        "<p",
        "<!--",
        "<div>",
        "</p>",
        "<b>",
        "</i>",
        "<a href=http://x>",
        "<li>",
        "<td>",
        "&#1",
        "<xml>",
        "<ol><li>x",
        "<b></p>",
        "<a href='http://x'>y</b>",
    ] {
        let html = part.repeat(200_000 / part.len());
        let begun = std::time::Instant::now();
        let notes = Notes::html(&html);
        assert_eq!(notes.rewritten(&Notes::plain("a\nb")).reading(), "a\nb");
        assert!(begun.elapsed().as_secs() < 5, "{part}: {:?}", begun.elapsed());
    }
}

fn plain(text: &str) -> Notes {
    Notes::plain(text)
}

#[test]
fn an_edit_of_text_is_merged_into_html() {
    let html = Notes::html("<p>a <b>b</b></p>");
    assert_eq!(carry(&plain("a b"), &plain("x b"), &html), Notes::html("<p>x <b>b</b></p>"));
    assert_eq!(carry(&plain("a b"), &plain(""), &html), plain(""));
    assert_eq!(carry(&plain(""), &plain("a"), &plain("")), plain("a"));
    let image = |text: &str| Notes::html(&format!("<p>{text}</p><img src=x>"));
    assert_eq!(carry(&image(""), &plain(""), &Notes::html("<img src=x>")), plain(""), "nothing is left");
    let once = carry(&plain("a b"), &plain("x b"), &html);
    assert_eq!(carry(&plain("x b"), &plain("x y"), &once), Notes::html("<p>x <b>y</b></p>"));
}

#[test]
fn another_format_of_the_same_words_reaches_only_html() {
    let (old, new) = (Notes::html("<p>a b</p>"), Notes::html("<p>a <b>b</b></p>"));
    assert_eq!(carry(&old, &new, &plain("a b")), plain("a b"));
    assert_eq!(carry(&old, &new, &Notes::html("<div>a b</div>")), new);
    assert_eq!(carry(&old, &plain("a b"), &new), new, "only the format was taken away");
    assert_eq!(carry(&plain("a  b"), &plain("a\u{a0} b"), &new), new);
}

#[test]
fn new_words_arrive_as_html_where_they_are_html() {
    let (old, new) = (Notes::html("<p>a</p>"), Notes::html("<p>b</p>"));
    assert_eq!(carry(&old, &new, &plain("a")), new, "a calendar that knows only text gets it as such later");
    assert_eq!(carry(&old, &new, &plain("b")), plain("b"));
    assert_eq!(carry(&old, &new, &Notes::html("<div>b</div>")), Notes::html("<div>b</div>"));
}

#[test]
fn only_different_words_or_two_formats_collide() {
    let change = |from: &Notes, to: &Notes| Change { from: from.clone(), to: to.clone() };
    let (html, bold, other) = (Notes::html("<p>a</p>"), Notes::html("<b>a</b>"), Notes::html("<i>b</i>"));
    let text = change(&plain("a"), &plain("b"));
    for (mine, theirs, collides) in [
        (change(&html, &other), text.clone(), false),
        (change(&html, &other), change(&plain("a"), &plain("c")), true),
        (change(&html, &bold), text.clone(), false),
        (change(&html, &bold), change(&html, &other), true),
        (change(&html, &bold), change(&html, &Notes::html("<u>a</u>")), true),
        (change(&html, &bold), change(&plain("a"), &plain("a\t")), false),
    ] {
        assert_eq!(super::collides(&mine, &theirs), collides, "{mine:?} {theirs:?}");
        assert_eq!(super::collides(&theirs, &mine), collides, "{theirs:?} {mine:?}");
    }
    // The format of the one and the words of the other come together.
    assert_eq!(carry(&plain("a"), &plain("b"), &bold), Notes::html("<b>b</b>"));
    assert_eq!(carry(&html, &bold, &plain("b")), plain("b"));
}

/// Well-formed HTML as editors write it.
fn written_html() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        "[a-c]{1,3}",
        Just("<b>a b</b>".to_owned()),
        Just("<span style=\"color:red\">x</span>".to_owned()),
        Just("&amp;".to_owned()),
        Just("&nbsp;".to_owned()),
        Just("a&nbsp; b".to_owned()),
        Just(" ".to_owned()),
        Just("<a href=\"http://x.example/y\">z</a>".to_owned()),
        Just("<o:p></o:p>".to_owned()),
        Just("<!-- c -->".to_owned()),
        Just("<img src=\"cid:1\">".to_owned()),
    ];
    let line = proptest::collection::vec(word, 0..5).prop_map(|words| words.join(" "));
    let block = (line, 0..9_u8).prop_map(|(line, kind)| match kind {
        0 => format!("<p class=\"MsoNormal\">{line}</p>\n"),
        1 => format!("<div>{line}</div>"),
        2 => format!("{line}<br>\n"),
        3 => "<div><br></div>".to_owned(),
        4 => format!("<ul>\n<li>{line}</li>\n<li>b</li></ul>"),
        5 => format!("<ol><li>{line}</li><li>c<ol><li>d</li></ol></li></ol>"),
        6 => format!("<table><tbody><tr><td>{line}</td><td><p>c</p></td></tr></tbody></table>"),
        7 => format!("<p><span style=\"font-size:9pt\">{line}<br>{line}</span></p>"),
        _ => format!("<h2>{line}</h2>"),
    });
    proptest::collection::vec(block, 0..6).prop_map(|blocks| {
        format!("<html><head><style>p {{}}</style></head>\n<body>{}</body></html>", blocks.concat())
    })
}

/// Anything.
fn any_html() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        "[a-b <>&\n]{0,4}",
        proptest::sample::select(vec![
            "<p>",
            "</p>",
            "<div>",
            "</div>",
            "<br>",
            "<b>",
            "</b>",
            "<ul>",
            "</ul>",
            "<ol>",
            "</ol>",
            "<li>",
            "</li>",
            "<table>",
            "<tr>",
            "<td>",
            "</td>",
            "</tr>",
            "</table>",
            "<pre>",
            "</pre>",
            "<hr>",
            "<body>",
            "</body>",
            "<head>",
            "</head>",
            "<!--",
            "-->",
            "<style>",
            "</style>",
            "<a href=http://x>",
            "</a>",
            "<span style='display:none'>",
            "</span>",
            "&nbsp;",
            "&amp",
            "&#",
            "<p title='",
            "<![if x]>",
            "<xml>",
            "</xml>",
            "\u{a0}",
            "<li style='list-style-type:none'>",
            "<li value=3>",
            "<img>",
        ])
        .prop_map(str::to_owned),
    ];
    proptest::collection::vec(part, 0..14).prop_map(|parts| parts.concat())
}

fn any_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "[a-c]{0,3}( [a-c]{1,2}){0,3}",
        "[ab <>&\t\u{a0}ä;#|.-]{0,8}",
        Just("- a".to_owned()),
        Just("  - b".to_owned()),
        "[0-9]{1,2}\\. [ab]{0,2}",
        Just("a | b".to_owned()),
        Just("</body><!-- &amp;".to_owned()),
        Just("z <http://x.example/y>".to_owned()),
    ];
    proptest::collection::vec(line, 0..6).prop_map(|lines| lines.join("\n"))
}

/// Takes a few lines of a text out, changes some and puts some in.
fn edited() -> impl Strategy<Value = Vec<(u8, prop::sample::Index, String)>> {
    let line = prop_oneof!["[a-c]{0,3}( [a-c]{1,2}){0,3}", Just("- x".to_owned()), Just("1. x".to_owned())];
    proptest::collection::vec((0..5_u8, any::<prop::sample::Index>(), line), 1..4)
}

fn edit(text: &str, edits: &[(u8, prop::sample::Index, String)]) -> String {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    for (kind, place, line) in edits {
        let at = place.index(lines.len());
        match kind {
            0 if lines.len() > 1 => drop(lines.remove(at)),
            0 | 1 => lines.insert(at, line.clone()),
            2 => lines[at] = line.clone(),
            3 => lines[at].push_str(line),
            _ => {
                let mut words: Vec<&str> = lines[at].split(' ').collect();
                let word = place.index(words.len());
                words[word] = line;
                lines[at] = words.join(" ");
            }
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn whatever_is_merged_reads_as_the_text(html in any_html(), text in any_text()) {
        let html = Notes::html(&html);
        let merged = html.rewritten(&plain(&text));
        prop_assert_eq!(merged.reading(), plain(&text).reading(), "{}", merged.text);
        prop_assert_eq!(&html.rewritten(&html.to_plain()), &html);
        prop_assert_eq!(html.to_plain().reading(), html.reading());
    }

    #[test]
    fn an_edit_of_what_editors_wrote_keeps_the_rest(html in written_html(), edits in edited()) {
        let html = Notes::html(&html);
        let before = html.reading();
        let text = edit(&before, &edits);
        let merged = html.rewritten(&plain(&text));
        prop_assert_eq!(merged.reading(), plain(&text).reading(), "{}", merged.text);
        // Nothing but the touched lines goes: images stay, and so does the source of every line that is not near.
        if !merged.is_empty() && html.format == NotesFormat::Html {
            let images = |notes: &Notes| notes.text.matches("<img").count();
            prop_assert_eq!(images(&merged), images(&html), "{}", merged.text);
            let frame = "<html><head><style>p {}</style></head>\n<body>";
            prop_assert!(merged.text.starts_with(frame), "{}", merged.text);
        }
        let again = edit(&text, &edits);
        let merged = merged.rewritten(&plain(&again));
        prop_assert_eq!(merged.reading(), plain(&again).reading(), "{}", merged.text);
    }
}

#[test]
fn more_elements_than_any_notes_have_cost_no_more_memory_and_lose_no_text() {
    let html = format!("<p>a</p>{}b", "<b>".repeat(120_000));
    let started = std::time::Instant::now();
    assert_eq!(Notes::html(&html).reading(), "a\nb");
    assert!(started.elapsed().as_secs() < 20);
    assert!(read::read(&html).elements.len() <= 100_001);
}

#[test]
fn what_repeats_in_html_takes_time_in_proportion() {
    for piece in [
        "<b>",
        "</b>",
        "<p>",
        "</p>",
        "<div><b></div>",
        "<li>",
        "<ul><li>",
        "<td>",
        "<table><tr><td>",
        "<a href=x>",
        "<!--",
        "<!",
        "&",
        "&#x",
        "&amp;",
        "<",
        "</",
        "<a ",
        "<a b=\"",
        "<xml>",
        "<script>",
        "<pre>\n",
        "\n",
        "x ",
        "<br>",
        "</div>",
    ] {
        let html = piece.repeat(100_000 / piece.len());
        let started = std::time::Instant::now();
        let notes = Notes::html(&html);
        let _ = notes.reading();
        assert!(started.elapsed().as_secs() < 10, "{piece}: {:?}", started.elapsed());
    }
}

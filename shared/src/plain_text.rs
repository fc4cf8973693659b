//! Plain text from text that may contain HTML: without tags, with entities decoded.

/// The longest text that is read. A posting's description has a few thousand characters at most; more is a mistake.
const LONGEST_BYTES: usize = 20_000;

/// How often tags are removed from what is left when other tags are gone.
const PASSES: usize = 4;

/// Elements that begin a new line, so that the words around them stay apart. Other elements may occur within a word.
const BLOCKS: [&str; 26] = [
    "article",
    "blockquote",
    "br",
    "dd",
    "div",
    "dl",
    "dt",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "li",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "title",
    "tr",
    "ul",
];

/// Elements whose content is not text.
const SILENT: [&str; 2] = ["script", "style"];

/// The text without HTML, on one line. An `&` or `<` that begins neither an entity nor a tag stays as it is.
#[must_use]
pub fn plain_text(html: &str) -> String {
    on_one_line(&without_html(html))
}

/// As [`plain_text`], with the line breaks that the text has or that its HTML would show, and at most one empty line
/// between two lines.
#[must_use]
pub fn plain_lines(html: &str) -> String {
    let text = without_html(html);
    let mut lines = String::with_capacity(text.len());
    for line in text.split(['\n', '\r']).map(on_one_line) {
        if !line.is_empty() || !(lines.is_empty() || lines.ends_with("\n\n")) {
            lines.push_str(&line);
            lines.push('\n');
        }
    }
    lines.truncate(lines.trim_end().len());
    lines
}

fn without_html(html: &str) -> String {
    let mut text = unescape(&without_tags(cut(html)));
    // Escaped text may be markup too, and so may what is left when a tag inside another one is removed.
    for _ in 0..PASSES {
        let stripped = without_tags(&text);
        if stripped == text {
            return text;
        }
        text = stripped;
    }
    // Nobody nests tags that deeply by accident.
    text.replace('<', " ")
}

fn on_one_line(text: &str) -> String {
    let is_gap = |character: char| character.is_whitespace() || character.is_control();
    text.split(is_gap).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn cut(text: &str) -> &str {
    let mut end = text.len().min(LONGEST_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

fn without_tags(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        text.push_str(&rest[..start]);
        let tag = &rest[start..];
        let Some(name) = tag_name(tag) else {
            text.push('<');
            rest = &tag[1..];
            continue;
        };
        if BLOCKS.contains(&name.as_str()) {
            text.push('\n');
        }
        rest = after_tag(tag);
        if SILENT.contains(&name.as_str()) && !tag.starts_with("</") {
            rest = after_element(rest, &name);
        }
    }
    text.push_str(rest);
    text
}

/// The name of the tag that begins here, empty for a comment or declaration; `None` if this is not a tag.
fn tag_name(text: &str) -> Option<String> {
    let inside = text.strip_prefix("</").or_else(|| text.strip_prefix('<'))?;
    if text.starts_with("<!") || text.starts_with("<?") {
        return Some(String::new());
    }
    if !inside.starts_with(|character: char| character.is_ascii_alphabetic()) {
        return None;
    }
    let end = inside.find(|character: char| !character.is_ascii_alphanumeric()).unwrap_or(inside.len());
    Some(inside[..end].to_ascii_lowercase())
}

/// What follows the tag that begins here. A tag that is cut off in the middle ends with the text; the ellipsis that
/// shows where the text was cut stays.
fn after_tag(text: &str) -> &str {
    if text.starts_with("<!--") {
        return text.find("-->").map_or("", |end| &text[end + 3..]);
    }
    let mut quote = None;
    for (index, character) in text.char_indices() {
        match (quote, character) {
            (None, '>') => return &text[index + 1..],
            (None, '"' | '\'') if text[..index].ends_with('=') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            _ => {}
        }
    }
    if text.ends_with('…') { "…" } else { "" }
}

/// What follows the end tag of an element.
fn after_element<'t>(text: &'t str, name: &str) -> &'t str {
    let lower = text.to_ascii_lowercase();
    lower.find(&format!("</{name}")).map_or("", |end| after_tag(&text[end..]))
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('&') {
        plain.push_str(&rest[..start]);
        rest = &rest[start + 1..];
        let entity = rest.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        if let Some((character, after)) = entity {
            plain.push(character);
            rest = after;
        } else {
            plain.push('&');
        }
    }
    plain.push_str(rest);
    plain
}

/// The character for the name of an entity, such as `amp`, `#38` or `#x26`.
fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return code.ok().and_then(char::from_u32);
    }
    let others = OTHERS.iter().find(|(known, _)| *known == name).map(|(_, character)| *character);
    others.or_else(|| {
        let position = LATIN_1.split_ascii_whitespace().position(|known| known == name)?;
        char::from_u32(0xa0 + u32::try_from(position).ok()?)
    })
}

/// The names of U+00A0 to U+00FF, in order.
const LATIN_1: &str = "\
    nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr \
    deg plusmn sup2 sup3 acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest \
    Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml \
    ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig \
    agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml \
    eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

/// The other names that postings use.
const OTHERS: [(&str, char); 24] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("quot", '"'),
    ("apos", '\''),
    ("euro", '€'),
    ("hellip", '…'),
    ("ndash", '–'),
    ("mdash", '—'),
    ("minus", '−'),
    ("lsquo", '‘'),
    ("rsquo", '’'),
    ("sbquo", '‚'),
    ("ldquo", '“'),
    ("rdquo", '”'),
    ("bdquo", '„'),
    ("bull", '•'),
    ("trade", '™'),
    ("ensp", ' '),
    ("emsp", ' '),
    ("thinsp", ' '),
    ("OElig", 'Œ'),
    ("oelig", 'œ'),
    ("Scaron", 'Š'),
];

#[cfg(test)]
mod tests {
    use super::{plain_lines, plain_text};

    #[test]
    fn highlight_tags_vanish_even_within_a_word() {
        assert_eq!(plain_text("Senior <strong>Java</strong>Script <b>Dev</b>"), "Senior JavaScript Dev");
        assert_eq!(plain_text("one<br>two<p>three</p><LI class='a'>four</LI>"), "one two three four");
    }

    #[test]
    fn entities_are_resolved_and_a_bare_ampersand_stays() {
        assert_eq!(plain_text("R&amp;D &pound;50k &#8211; caf&eacute; &#x20AC;1"), "R&D £50k – café €1");
        assert_eq!(
            plain_text("R&D, AT&T; Q&A & more &unknown; &#xD800; &"),
            "R&D, AT&T; Q&A & more &unknown; &#xD800; &"
        );
        assert_eq!(plain_text("&nbsp;&yuml;&szlig;"), "ÿß");
    }

    #[test]
    fn what_only_looks_like_a_tag_stays() {
        for text in ["salary < 50k and > 40k", "3 <4", "I <3 Rust", "a << b", "<", "x <"] {
            assert_eq!(plain_text(text), text);
        }
    }

    #[test]
    fn nothing_that_a_browser_takes_for_a_tag_is_left() {
        for (html, text) in [
            ("<script>alert(1)</script>Hello", "Hello"),
            ("<STYLE>p { color: red }</STYLE >Hello", "Hello"),
            ("&lt;script&gt;alert(1)&lt;/script&gt;Hello", "Hello"),
            ("<<b>script>alert(1)", ""),
            ("<<<b>b>img src=x onerror=alert(1)>Hello", "Hello"),
            ("<<<<<<<<<b>b>b>b>b>b>b>b>b>Hello", "b>b>b>b>Hello"),
            ("<a href=\"a>b\" title='c>d'>Hello</a>", "Hello"),
            ("<b it's>Hello</b>", "Hello"),
            ("<!-- <b> --> Hello <!doctype html><?php ?>", "Hello"),
            ("Hello <!-- never closed", "Hello"),
            ("Hello <img src=\"x", "Hello"),
            ("We are hir<stro…", "We are hir…"),
        ] {
            assert_eq!(plain_text(html), text, "{html}");
        }
    }

    #[test]
    fn it_is_one_line_without_control_characters() {
        assert_eq!(plain_text("  a\r\n\tb\u{0}c\u{a0}d &#0; e "), "a b c d e");
    }

    #[test]
    fn lines_stay_where_they_are_asked_for() {
        assert_eq!(
            plain_lines("About us\r\n\r\n\r\n\n  • pay\t&amp; pension \n• time\n\n"),
            "About us\n\n• pay & pension\n• time"
        );
        assert_eq!(plain_lines("<p>One</p><ul><li>two</li><li>three</li></ul>"), "One\n\ntwo\n\nthree");
        assert_eq!(plain_lines("one<br>two<script>\nthree\n</script>"), "one\ntwo");
        assert_eq!(plain_lines(" \n\u{0} \n"), "");
        assert!(plain_lines(&"a\n".repeat(30_000)).len() <= 20_000);
    }

    #[test]
    fn absurdly_long_text_is_cut_between_characters() {
        assert!(plain_text(&"é".repeat(30_000)).len() <= 20_000);
        assert_eq!(plain_text(&format!("a{}", "é".repeat(30_000))).len(), 19_999);
        assert!(plain_text(&"<".repeat(30_000)).len() <= 20_000);
    }
}

//! Inputs that mean harm, or are something else than XMPP: each refused, in time, for its own reason.

use super::referee::{lexer, referee};
use super::tests::{HEADER, read};
use super::{ReadError, Restriction};
use crate::xmpp::config::MAX_STANZA;

/// A hostile input: where it starts, what it repeats, why it is refused, and after how many bytes at the latest.
struct Hostile {
    name: &'static str,
    /// Sent once.
    start: Vec<u8>,
    /// Then this, again and again, up to [`PATIENCE`].
    repeated: &'static [u8],
    error: ReadError,
    /// Bytes behind [`Hostile::start`] within which the error comes.
    within: usize,
}

/// How much of an endless input is sent at most: more than any limit.
const PATIENCE: usize = 2 * MAX_STANZA as usize;

/// A whole input that is refused by its last byte.
fn bare(name: &'static str, start: &[u8], error: ReadError) -> Hostile {
    Hostile { name, start: start.to_vec(), repeated: b"", error, within: 0 }
}

/// The same behind a good header.
fn body(name: &'static str, text: &str, error: ReadError) -> Hostile {
    bare(name, format!("{HEADER}{text}").as_bytes(), error)
}

/// An endless input behind a good header, refused `within` so many bytes of the endless part.
fn endless(name: &'static str, text: &str, repeated: &'static str, error: ReadError, within: usize) -> Hostile {
    Hostile { repeated: repeated.as_bytes(), within, ..body(name, text, error) }
}

/// What is no stream at all, or is none by its header.
fn not_a_stream() -> Vec<Hostile> {
    use ReadError::{NotAStream, NotWellFormed, UndeclaredPrefix};
    use Restriction::{Comment, Declaration, DocumentType, Entity, ProcessingInstruction};
    let restricted = ReadError::Restricted;
    vec![
        bare("http", b"G", NotAStream),
        bare("tls", b"\x16", NotAStream),
        bare("byte order mark", b"\xef", NotAStream),
        bare("utf-16", b"\xff", NotAStream),
        bare("nul first", b"\0", NotAStream),
        bare("text behind the declaration", b"<?xml version='1.0'?>G", NotAStream),
        bare("text behind white space", b" \nx", NotAStream),
        bare("lone less-than", b"< ", NotWellFormed),
        bare("two less-thans", b"<<", NotWellFormed),
        bare("end tag first", b"</stream:stream>", NotWellFormed),
        bare("cdata first", b"<![CDATA[x]]>", NotWellFormed),
        bare("another root", b"<html>", NotAStream),
        bare("root without namespace", b"<stream>", NotAStream),
        bare("root in another namespace", b"<stream:stream xmlns:stream='urn:other'>", NotAStream),
        bare("root with an undeclared prefix", b"<stream:stream>", UndeclaredPrefix),
        bare("comment first", b"<!-- x -->", restricted(Comment)),
        bare("document type", b"<!DOCTYPE stream", restricted(DocumentType)),
        bare(
            "billion laughs",
            b"<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY lol 'lol'><!ENTITY lol2 '&lol;&lol;&lol;&lol;&lol;'>]>",
            restricted(DocumentType),
        ),
        bare("stylesheet", b"<?xml-stylesheet href='a'?>", NotWellFormed),
        bare("processing instruction first", b"<?php ", restricted(ProcessingInstruction)),
        bare("two declarations", b"<?xml version='1.0'?><?xml version='1.0'?>", restricted(ProcessingInstruction)),
        bare("declaration behind white space", b" <?xml version='1.0'?>", NotWellFormed),
        bare("version 1.1", b"<?xml version='1.1'", restricted(Declaration)),
        bare("utf-16 declared", b"<?xml version='1.0' encoding='utf-16'", restricted(Declaration)),
        bare("not standalone", b"<?xml version='1.0' encoding='utf-8' standalone='no'", restricted(Declaration)),
        bare("entity in the header", b"<stream:stream to='&foo;'", restricted(Entity)),
    ]
}

/// What goes wrong behind a good header.
fn broken_bodies() -> Vec<Hostile> {
    use ReadError::{
        AfterEnd, DuplicateAttribute, NotWellFormed, StanzaTooBig, TextOutsideStanza, TooLong, UndeclaredPrefix,
    };
    use Restriction::{Comment, DocumentType, Entity, ProcessingInstruction};
    let restricted = ReadError::Restricted;
    let huge = "9".repeat(8193);
    vec![
        body("comment", "<!--", restricted(Comment)),
        body("comment in a stanza", "<message><!-- x", restricted(Comment)),
        body("processing instruction", "<?target x?>", restricted(ProcessingInstruction)),
        body("declaration in a stanza", "<message><?xml version='1.0'?>", restricted(ProcessingInstruction)),
        body("document type", "<!DOCTYPE x>", restricted(DocumentType)),
        body("entity", "<message>&foo;", restricted(Entity)),
        body("entity in an attribute", "<message id='&lol;'/>", restricted(Entity)),
        body("reference to nul", "<message>&#0;", NotWellFormed),
        body("reference to a surrogate", "<message>&#xD800;", NotWellFormed),
        body("reference beyond unicode", "<message>&#x110000;", NotWellFormed),
        body("reference without a name", "<message>&;", NotWellFormed),
        body("ampersand", "<message>a & b", NotWellFormed),
        body("nul", "<message>\0", NotWellFormed),
        body("nul between stanzas", "\0", TextOutsideStanza),
        body("control character", "<message>\x1b", NotWellFormed),
        body("text at stream level", "<presence/>x", TextOutsideStanza),
        body("reference at stream level", "&#32;", TextOutsideStanza),
        body("cdata at stream level", "<![CDATA[x]]>", TextOutsideStanza),
        body("less-than in a value", "<message id='<'/>", NotWellFormed),
        body("value without quotes", "<message id=1/>", NotWellFormed),
        body("attribute without a value", "<message id/>", NotWellFormed),
        body("no space between attributes", "<message a='1'b='2'/>", NotWellFormed),
        body("end of cdata in text", "<message>]]>", NotWellFormed),
        body("wrong end tag", "<message><body></message>", NotWellFormed),
        body("end tag of another prefix", "<c:message xmlns:c='jabber:client'></message>", NotWellFormed),
        body("end tag with an attribute", "<message></message id='1'>", NotWellFormed),
        body("close tag too early", "<message></stream:stream>", NotWellFormed),
        body("duplicate attribute", "<message id='1' id='2'>", DuplicateAttribute),
        body("duplicate attribute by namespace", "<a xmlns:p='u' xmlns:q='u' p:x='' q:x=''>", DuplicateAttribute),
        body("duplicate default namespace", "<a xmlns='u' xmlns='u'>", DuplicateAttribute),
        body("duplicate declaration", "<a xmlns:p='u' xmlns:p='v'>", DuplicateAttribute),
        body("undeclared prefix", "<p:message>", UndeclaredPrefix),
        body("undeclared prefix of an attribute", "<message p:id='1'>", UndeclaredPrefix),
        body("prefix out of scope", "<a xmlns:p='u'/><p:b/>", UndeclaredPrefix),
        body("prefix declared further in", "<p:a><b xmlns:p='u'/>", UndeclaredPrefix),
        body("element in the prefix xmlns", "<xmlns:a>", UndeclaredPrefix),
        body("prefix xmlns bound", "<a xmlns:xmlns='u'", NotWellFormed),
        body("prefix bound to xmlns", "<a xmlns:p='http://www.w3.org/2000/xmlns/'", NotWellFormed),
        body("prefix xml bound elsewhere", "<a xmlns:xml='u'", NotWellFormed),
        body("prefix unbound", "<a xmlns:p=''", NotWellFormed),
        body("two colons", "<a:b:c>", NotWellFormed),
        body("empty prefix", "<:a>", NotWellFormed),
        body("name that starts with a digit", "<1>", NotWellFormed),
        body("long name", &format!("<a{huge}"), TooLong),
        body("long value", &format!("<a b='{huge}"), TooLong),
        body("long value of line ends", &format!("<a b='{}'", "\r".repeat(8194)), TooLong),
        body("second root", "</stream:stream><stream:stream>", AfterEnd),
        body("stanza behind the tag", "</stream:stream>\n<message/>", AfterEnd),
        body("oversize stanza", &format!("<a>{}", " ".repeat(MAX_STANZA as usize - 2)), StanzaTooBig),
    ]
}

/// What never ends.
fn endless_bodies() -> Vec<Hostile> {
    use ReadError::{StanzaTooBig, TooDeep, TooLong, TooManyAttributes};
    let all = MAX_STANZA as usize;
    vec![
        endless("deep nesting", "", "<a>", TooDeep, 64 * 3),
        endless("deep nesting of long names", "", "<aaaaaaaaaaaaaaaaaaaa>", TooDeep, 64 * 22),
        endless("attributes", "<a", " xml:a=''", TooManyAttributes, 65 * 9),
        endless("name", "<", "a", TooLong, 8193),
        endless("attribute name", "<a ", "b", TooLong, 8193),
        endless("value", "<a b='", "b", TooLong, 8193),
        endless("value of references", "<a b='", "&amp;", TooLong, 8194 * 5),
        endless("value of line ends", "<a b='", "\r\n", TooLong, 8194 * 2),
        endless("end tag name", "<a></", "a", TooLong, 8193),
        endless("text", "<a>", "some text ", StanzaTooBig, all),
        endless("text of brackets", "<a>", "]", StanzaTooBig, all),
        endless("text of references", "<a>", "&#65;", StanzaTooBig, all),
        endless("text of line ends", "<a>", "\r", StanzaTooBig, all),
        endless("cdata", "<a><![CDATA[", "x", StanzaTooBig, all),
        endless("cdata of brackets", "<a><![CDATA[", "]", StanzaTooBig, all),
        endless("cdata sections", "<a>", "<![CDATA[]]>", StanzaTooBig, all),
        endless("cdata sections at stream level", "", "<![CDATA[]]>", StanzaTooBig, all + 12),
        endless("white space in a tag", "<a", " ", StanzaTooBig, all),
        endless("white space in the close tag", "</stream:stream", " ", StanzaTooBig, all),
        endless("children", "<a>", "<b/>", StanzaTooBig, all),
        endless("unprefixed declarations", "<a>", "<b xmlns='urn:x'></b>", StanzaTooBig, all),
        endless("declarations in depth", "<a>", "<b xmlns:p='u' xmlns:q='u' xmlns:r='u'>", TooManyAttributes, 64 * 40),
    ]
}

fn all() -> Vec<Hostile> {
    let mut all = not_a_stream();
    all.extend(broken_bodies());
    all.extend(endless_bodies());
    all.push(Hostile {
        repeated: b" ",
        within: super::MAX_HEADER as usize,
        ..bare("white space in the header", b"<stream:stream", ReadError::StanzaTooBig)
    });
    all.push(Hostile {
        repeated: b" ",
        within: super::MAX_HEADER as usize,
        ..bare("white space in the declaration", b"<?xml", ReadError::StanzaTooBig)
    });
    all
}

/// Non-UTF-8 is found when the text around it ends.
fn not_utf8() -> [&'static [u8]; 4] {
    [b"<message>\xff</message>", b"<message id='\xc3\x28'/>", b"<message>\xed\xa0\x80</message>", b"<\xc0\xaf/>"]
}

#[test]
fn every_hostile_input_is_refused_for_its_own_reason() {
    for hostile in all() {
        let mut bytes = hostile.start.clone();
        bytes.extend(hostile.repeated.iter().cycle().take(hostile.within));
        let (_, error) = read(MAX_STANZA, [&bytes[..]]);
        assert_eq!(error, Some(hostile.error), "{}", hostile.name);
    }
}

#[test]
fn the_refusal_does_not_depend_on_the_pieces() {
    for hostile in all() {
        let mut bytes = hostile.start.clone();
        bytes.extend(hostile.repeated.iter().cycle().take(hostile.within.min(20_000)));
        let whole = read(MAX_STANZA, [&bytes[..]]);
        for size in [1, 7, 64, 8191, 8193] {
            assert_eq!(read(MAX_STANZA, bytes.chunks(size)), whole, "{} in pieces of {size}", hostile.name);
        }
    }
}

#[test]
fn what_the_referee_refuses_the_lexer_refuses_for_the_same_reason() {
    for hostile in all() {
        let mut bytes = hostile.start.clone();
        bytes.extend(hostile.repeated.iter().cycle().take(hostile.within.min(70_000)));
        let wanted = referee(&bytes);
        for size in [1, 64, bytes.len()] {
            // What only the reader checks (depth, number, namespaces, what is no stream) is none of the lexer's business.
            if wanted.1.is_some() {
                assert_eq!(lexer(bytes.chunks(size)), wanted, "{} in pieces of {size}", hostile.name);
            }
        }
    }
}

#[test]
fn nothing_endless_is_read_to_the_end() {
    for hostile in all().into_iter().filter(|hostile| !hostile.repeated.is_empty()) {
        let block: Vec<u8> = hostile.repeated.iter().copied().cycle().take(8192 * hostile.repeated.len()).collect();
        let mut sent = 0;
        let blocks = std::iter::from_fn(|| {
            sent += block.len();
            (sent < PATIENCE + block.len()).then_some(&block[..])
        });
        let (_, error) = read(MAX_STANZA, std::iter::once(&hostile.start[..]).chain(blocks));
        assert_eq!(error, Some(hostile.error), "{}", hostile.name);
        assert!(sent <= hostile.within + block.len(), "{}: refused only after {sent} bytes", hostile.name);
    }
}

#[test]
fn what_is_not_utf8_is_refused() {
    for input in not_utf8() {
        let bytes = [HEADER.as_bytes(), input].concat();
        for size in [1, 3, bytes.len()] {
            let (_, error) = read(MAX_STANZA, bytes.chunks(size));
            assert_eq!(error, Some(ReadError::NotWellFormed), "{input:?} in pieces of {size}");
        }
    }
}

#[test]
fn what_only_looks_hostile_is_read() {
    let deep = format!("{}{}", "<a>".repeat(63), "</a>".repeat(63));
    let wide = (0..64).fold(String::from("<a"), |wide, n| wide + &format!(" a{n}=''")) + "/>";
    let long = "x".repeat(8192);
    for good in [
        "<message><![CDATA[<not> & markup]]></message>",
        "<message>&lt;&gt;&amp;&apos;&quot;&#65;&#x41;</message>",
        "<message xml:lang='en' id = \"1\"\n></message\n>",
        "<a xmlns:p='u' xmlns:q='v' p:x='' q:x='' x=''/>",
        "<a xmlns:p='u'><p:b xmlns:p='v'/><p:c/></a>",
        "<a xmlns:xml='http://www.w3.org/XML/1998/namespace'/>",
        "<message>\u{e9}\u{1f600}</message>",
        &deep,
        &wide,
        &format!("<a b='{long}'/>"),
        &format!("<{long}/>"),
        &format!("<a>{}</a>", "&#65;".repeat(1000)),
    ] {
        let bytes = [HEADER, good].concat();
        for size in [1, 5, bytes.len()] {
            let (items, error) = read(MAX_STANZA, bytes.as_bytes().chunks(size));
            assert_eq!((items.len(), error), (2, None), "{good:.60} in pieces of {size}");
        }
    }
}

#[test]
fn errors_say_what_was_found() {
    for hostile in all() {
        let text = hostile.error.to_string();
        assert!(text.starts_with(char::is_lowercase) || text.starts_with("an XML"), "{text}");
        assert!(!text.ends_with('.'), "{text}");
    }
}

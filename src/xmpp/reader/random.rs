//! Random documents and random damage, with the parser crate's complete parser as the referee.

use std::fmt::Write as _;

use proptest::collection::vec;
use proptest::prelude::*;
use rxml::error::EndOrError;
use rxml::{Parse as _, Parser};

use super::referee::{lexer, referee};
use super::tests::{HEADER, read};
use crate::id::Side;
use crate::xmpp::config::{Condition, MAX_STANZA, StreamKind};
use crate::xmpp::stanza::Item;
use crate::xmpp::writer::StreamWriter;

/// Whether the referee, which checks namespaces and attributes too, finds nothing wrong so far.
fn referee_accepts(mut bytes: &[u8]) -> bool {
    let mut parser = Parser::new();
    loop {
        match parser.parse(&mut bytes, false) {
            Ok(Some(_)) => {}
            Ok(None) | Err(EndOrError::NeedMoreData) => return true,
            Err(EndOrError::Error(_)) => return false,
        }
    }
}

/// A piece of a document that is well-formed except, sometimes, for its prefixes and attributes.
#[derive(Clone, Debug)]
enum Node {
    Text(&'static str),
    Element { name: &'static str, attributes: Vec<&'static str>, children: Vec<Node>, blank: &'static str },
}

impl Node {
    /// Whether an element declares a prefix twice: XML forbids it, the referee lets it pass.
    fn declares_twice(&self) -> bool {
        let Self::Element { attributes, children, .. } = self else { return false };
        let mut declared: Vec<&str> = attributes
            .iter()
            .filter(|attribute| attribute.starts_with("xmlns"))
            .filter_map(|attribute| attribute.split('=').next())
            .collect();
        declared.sort_unstable();
        declared.windows(2).any(|pair| pair[0] == pair[1]) || children.iter().any(Self::declares_twice)
    }

    fn render(&self, out: &mut String) {
        match self {
            Self::Text(text) => out.push_str(text),
            Self::Element { name, attributes, children, blank } => {
                write!(out, "<{name}").unwrap();
                for attribute in attributes {
                    write!(out, " {blank}{attribute}").unwrap();
                }
                if children.is_empty() {
                    write!(out, "{blank}/>").unwrap();
                } else {
                    write!(out, "{blank}>").unwrap();
                    for child in children {
                        child.render(out);
                    }
                    write!(out, "</{name}{blank}>").unwrap();
                }
            }
        }
    }
}

fn element(children: impl Strategy<Value = Vec<Node>>) -> impl Strategy<Value = Node> {
    let name = prop::sample::select(vec!["message", "iq", "stream:error", "p:a", "q:a", "a", "é"]);
    let attribute = prop::sample::select(vec![
        "id='c1'",
        "id = \"2\"",
        "type='get'",
        "xmlns:p='urn:u'",
        "xmlns:p='urn:v'",
        "xmlns:q='urn:u'",
        "xmlns:q='jabber:client'",
        "xmlns='urn:xmpp:ping'",
        "xmlns=''",
        "p:x='&lt;&#65;'",
        "q:x='\r\n\t'",
        "x='>'",
        "xml:lang='en'",
    ]);
    let blank = prop::sample::select(vec!["", " ", "\n\t"]);
    (name, vec(attribute, 0..4), children, blank).prop_map(|(name, attributes, children, blank)| Node::Element {
        name,
        attributes,
        children,
        blank,
    })
}

fn node() -> impl Strategy<Value = Node> {
    let text = prop::sample::select(vec![
        "text",
        " ",
        "\r\n",
        "]]",
        "&amp;",
        "&#x1F600;",
        "<![CDATA[]]>",
        "<![CDATA[ ]] <a> &b; ]]]>",
        "ü𝄞",
    ])
    .prop_map(Node::Text);
    let leaf = prop_oneof![text, element(Just(Vec::new()))];
    leaf.prop_recursive(4, 24, 4, |inner| element(vec(inner, 0..4)))
}

/// Cuts bytes at some places, given as fractions of their length.
fn cut<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.sort_unstable();
    let mut from = 0;
    let mut pieces = Vec::new();
    for to in places.into_iter().chain([bytes.len()]) {
        pieces.push(&bytes[from..to]);
        from = to;
    }
    pieces
}

/// A piece of damage: at some place so many bytes are replaced by others.
fn damage() -> impl Strategy<Value = (prop::sample::Index, usize, Vec<u8>)> {
    let snippet = prop::sample::select(vec![
        "",
        "<",
        ">",
        "/",
        "</",
        "/>",
        "'",
        "\"",
        "=",
        " ",
        "&",
        ";",
        "&#",
        "&lt;",
        ":",
        "]]>",
        "<![CDATA[",
        "<!",
        "<!--",
        "<?",
        "?>",
        "<a>",
        "</a>",
        "<p:a/>",
        " id='1'",
        " xmlns:p='u'",
        "\r",
        "\n",
        "\0",
        "é",
        "</stream:stream>",
        "--",
    ])
    .prop_map(|snippet| snippet.as_bytes().to_vec());
    (any::<prop::sample::Index>(), 0_usize..4, prop_oneof![8 => snippet, 1 => vec(any::<u8>(), 1..3)])
}

fn damaged(damages: &[(prop::sample::Index, usize, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let writer = StreamWriter::open(StreamKind::ClientToServer, Side::Server, &mut bytes);
    writer.message(1, 120, &mut bytes);
    writer.ping_get(2, &mut bytes);
    bytes.extend_from_slice(b"<message id='s3'><body>&lt;&#65;</body><![CDATA[]]]]></message>\n<presence/>");
    writer.error(Condition::ConnectionTimeout, &mut bytes);
    writer.close(&mut bytes);
    for (place, length, with) in damages {
        let from = place.index(bytes.len() + 1);
        let to = (from + length).min(bytes.len());
        bytes.splice(from..to, with.iter().copied());
    }
    bytes
}

proptest! {
    #[test]
    fn a_document_is_read_as_the_referee_reads_it(
        nodes in vec(node(), 1..4),
        places in vec(any::<prop::sample::Index>(), 0..5),
    ) {
        let mut body = String::new();
        let mut sizes = Vec::new();
        for node in nodes.iter().filter(|node| matches!(node, Node::Element { .. })) {
            let from = body.len();
            node.render(&mut body);
            sizes.push(u32::try_from(body.len() - from).unwrap());
        }
        let bytes = [HEADER, &body].concat().into_bytes();
        let (items, error) = read(MAX_STANZA, [&bytes[..]]);
        let twice = nodes.iter().any(Node::declares_twice);
        prop_assert_eq!(error.is_none(), referee_accepts(&bytes) && !twice, "{:?}: {}", error, body);
        if error.is_none() {
            let read: Vec<u32> = items[1..]
                .iter()
                .filter_map(|item| if let Item::Element(element) = item { Some(element.size) } else { None })
                .collect();
            prop_assert_eq!(read, sizes);
        }
        let seen = referee(&bytes);
        prop_assert_eq!(&lexer([&bytes[..]]), &seen);
        prop_assert_eq!(&lexer(cut(&bytes, &places)), &seen);
        prop_assert_eq!(read(MAX_STANZA, cut(&bytes, &places)), (items.clone(), error));
        prop_assert_eq!(read(MAX_STANZA, bytes.chunks(1)), (items, error));
    }

    #[test]
    fn damage_is_found_wherever_the_pieces_end(
        damages in vec(damage(), 1..4),
        places in vec(any::<prop::sample::Index>(), 0..5),
        limit in 100_u32..400,
    ) {
        let bytes = damaged(&damages);
        let whole = read(limit, [&bytes[..]]);
        prop_assert_eq!(&read(limit, cut(&bytes, &places)), &whole);
        prop_assert_eq!(&read(limit, bytes.chunks(1)), &whole);
        let (seen, refused) = referee(&bytes);
        let (ours, error) = lexer(cut(&bytes, &places));
        if error.is_none() {
            prop_assert_eq!((&ours, error), (&seen, refused));
        } else if refused.is_none() {
            // The referee looks at a token when it ends; in an open CDATA section only `]]>` ends it.
            let last = |mark: &[u8]| bytes.windows(mark.len()).rposition(|w| w == mark);
            let open: &[u8] = if last(b"<![CDATA[") > last(b"]]>") { b"]]>" } else { b"" };
            let end = [&bytes, open, b"'\"> <a ".as_slice()].concat();
            prop_assert!(referee(&end).1.is_some(), "only the lexer refuses: {}", String::from_utf8_lossy(&bytes));
        }
        if !referee_accepts(&bytes) {
            prop_assert!(whole.1.is_some(), "the referee refuses: {}", String::from_utf8_lossy(&bytes));
        }
    }

    #[test]
    fn bytes_that_mean_nothing_do_no_harm(bytes in vec(any::<u8>(), 0..200)) {
        let whole = read(MAX_STANZA, [HEADER.as_bytes(), &bytes]);
        prop_assert_eq!(read(MAX_STANZA, HEADER.as_bytes().chunks(1).chain(bytes.chunks(1))), whole);
    }
}

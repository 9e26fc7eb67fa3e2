//! Whole sessions, cut at every place.

use super::referee::{lexer, referee};
use super::*;
use crate::id::Side;
use crate::xmpp::config::{Condition, MAX_STANZA, MIN_STANZA, StreamKind};
use crate::xmpp::stanza::{Child, Element, IqType, Management, Name};
use crate::xmpp::writer::{Features, StreamWriter};

/// What came out, and what ended it.
pub(super) type Reading = (Vec<Item>, Option<ReadError>);

/// Feeds the pieces one by one; restarts behind SASL success as a party does.
pub(super) fn read<'a>(limit: u32, pieces: impl IntoIterator<Item = &'a [u8]>) -> Reading {
    let mut reader = Reader::new(limit);
    let mut items = Vec::new();
    for mut chunk in pieces {
        loop {
            match reader.next(&mut chunk) {
                Ok(Some(item)) => {
                    items.push(item);
                    if matches!(item, Item::Element(Element { name: Name::Success, .. })) {
                        reader.restart();
                    }
                }
                Ok(None) => {
                    assert!(chunk.is_empty(), "{} bytes left over without an error", chunk.len());
                    break;
                }
                Err(error) => {
                    assert_eq!(reader.next(&mut chunk), Err(error), "an error is final");
                    assert_eq!(reader.next(&mut &b"<presence/>"[..]), Err(error), "an error is final");
                    return (items, Some(error));
                }
            }
        }
    }
    (items, None)
}

pub(super) const HEADER: &str = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";

/// Reads a stream whose header is followed by `body`; the header's own item is left out.
pub(super) fn read_body(body: &str) -> Reading {
    let (mut items, error) = read(MAX_STANZA, [HEADER.as_bytes(), body.as_bytes()]);
    assert!(matches!(items.remove(0), Item::Header(_)));
    (items, error)
}

fn element(name: Name, iq: Option<IqType>, number: Option<u32>, child: Child, size: usize) -> Item {
    Item::Element(Element { name, iq, number, h: None, child, size: u32::try_from(size).unwrap() })
}

fn managing(what: Management, number: Option<u32>, h: Option<u32>, child: Child, size: usize) -> Item {
    let (name, size) = (Name::Management(what), u32::try_from(size).unwrap());
    Item::Element(Element { name, iq: None, number, h, child, size })
}

/// Everything that a server's writer can say, with what should be read and where each item ends.
fn session(kind: StreamKind) -> (Vec<u8>, Vec<(Item, usize)>) {
    let mut out = Vec::new();
    let mut wanted: Vec<(Item, usize)> = Vec::new();
    let mut from = 0;
    let mut note = |out: &Vec<u8>, make: &dyn Fn(usize) -> Item| {
        wanted.push((make(out.len() - from), out.len()));
        from = out.len();
    };
    let declaration = "<?xml version='1.0'?>".len();
    let header = |size| Item::Header(Header { kind: Some(kind), size: u32::try_from(size - declaration).unwrap() });
    let writer = StreamWriter::open(kind, Side::Server, &mut out);
    note(&out, &header);
    writer.features(Features::Sasl, &mut out);
    note(&out, &|size| element(Name::Features, None, None, Child::Mechanisms, size));
    writer.success(&mut out);
    note(&out, &|size| element(Name::Success, None, None, Child::None, size));
    writer.restart(&mut out);
    note(&out, &header);
    writer.features(Features::Bind, &mut out);
    note(&out, &|size| element(Name::Features, None, None, Child::Bind, size));
    writer.features(Features::None, &mut out);
    note(&out, &|size| element(Name::Features, None, None, Child::None, size));
    writer.auth(&mut out);
    note(&out, &|size| element(Name::Auth, None, None, Child::None, size));
    writer.bind_set(0, &mut out);
    note(&out, &|size| element(Name::Iq, Some(IqType::Set), Some(0), Child::Bind, size));
    writer.bind_result(7, &mut out);
    note(&out, &|size| element(Name::Iq, Some(IqType::Result), Some(7), Child::Bind, size));
    writer.message(17, MIN_STANZA, &mut out);
    note(&out, &|size| element(Name::Message, None, Some(17), Child::Other, size));
    writer.ping_get(u32::MAX, &mut out);
    note(&out, &|size| element(Name::Iq, Some(IqType::Get), Some(u32::MAX), Child::Ping, size));
    writer.ping_result(3, &mut out);
    note(&out, &|size| element(Name::Iq, Some(IqType::Result), Some(3), Child::None, size));
    writer.message(18, 300, &mut out);
    note(&out, &|size| element(Name::Message, None, Some(18), Child::Other, size));
    writer.features(Features::Management, &mut out);
    note(&out, &|size| element(Name::Features, None, None, Child::Management, size));
    writer.features(Features::BindAndManagement, &mut out);
    note(&out, &|size| element(Name::Features, None, None, Child::Bind, size));
    writer.enable(true, &mut out);
    note(&out, &|size| managing(Management::Enable, None, None, Child::None, size));
    writer.enabled(Some((7, 300)), &mut out);
    note(&out, &|size| managing(Management::Enabled, Some(7), None, Child::None, size));
    writer.ack_request(&mut out);
    note(&out, &|size| managing(Management::Request, None, None, Child::None, size));
    writer.ack(u32::MAX, &mut out);
    note(&out, &|size| managing(Management::Ack, None, Some(u32::MAX), Child::None, size));
    writer.resume(7, 3, &mut out);
    note(&out, &|size| managing(Management::Resume, Some(7), Some(3), Child::None, size));
    writer.resumed(7, 0, &mut out);
    note(&out, &|size| managing(Management::Resumed, Some(7), Some(0), Child::None, size));
    writer.failed(Some(9), &mut out);
    note(&out, &|size| managing(Management::Failed, None, Some(9), Child::Other, size));
    for condition in
        [Condition::ConnectionTimeout, Condition::Conflict, Condition::PolicyViolation, Condition::SystemShutdown]
    {
        writer.error(condition, &mut out);
        note(&out, &|size| element(Name::StreamError, None, None, Child::Condition(condition), size));
    }
    writer.close(&mut out);
    note(&out, &|_| Item::CloseTag);
    (out, wanted)
}

#[test]
fn everything_written_is_read_back() {
    for kind in [StreamKind::ClientToServer, StreamKind::ServerToServer] {
        let (bytes, wanted) = session(kind);
        let wanted: Vec<Item> = wanted.into_iter().map(|(item, _)| item).collect();
        assert_eq!(read(MAX_STANZA, [&bytes[..]]), (wanted, None));
    }
}

#[test]
fn every_split_reads_the_same() {
    let (bytes, wanted) = session(StreamKind::ClientToServer);
    let wanted: Vec<Item> = wanted.into_iter().map(|(item, _)| item).collect();
    for at in 0..=bytes.len() {
        let (items, error) = read(MAX_STANZA, [&bytes[..at], &bytes[at..]]);
        assert_eq!((&items, error), (&wanted, None), "split at {at}");
    }
    for size in 1..80 {
        let (items, error) = read(MAX_STANZA, bytes.chunks(size));
        assert_eq!((&items, error), (&wanted, None), "chunks of {size}");
    }
}

#[test]
fn every_truncation_reads_what_is_whole() {
    let (bytes, wanted) = session(StreamKind::ServerToServer);
    for cut in 0..bytes.len() {
        let whole: Vec<Item> = wanted.iter().filter(|(_, end)| *end <= cut).map(|(item, _)| *item).collect();
        assert_eq!(read(MAX_STANZA, [&bytes[..cut]]), (whole, None), "cut at {cut}");
    }
}

#[test]
fn the_lexer_sees_what_the_referee_sees_at_every_split_and_truncation() {
    for kind in [StreamKind::ClientToServer, StreamKind::ServerToServer] {
        let (bytes, wanted) = session(kind);
        // Behind SASL success another document begins.
        for document in [&bytes[..wanted[2].1], &bytes[wanted[2].1..]] {
            let whole = referee(document);
            assert_eq!(whole.1, None);
            for at in 0..=document.len() {
                assert_eq!(lexer([&document[..at], &document[at..]]), whole, "split at {at}");
                assert_eq!(lexer([&document[..at]]), referee(&document[..at]), "cut at {at}");
            }
        }
    }
}

#[test]
fn an_item_comes_with_its_last_byte_and_takes_no_byte_more() {
    let (bytes, wanted) = session(StreamKind::ClientToServer);
    let mut reader = Reader::new(MAX_STANZA);
    let mut chunk = &bytes[..];
    for (item, end) in wanted {
        assert_eq!(reader.next(&mut chunk), Ok(Some(item)));
        assert_eq!(bytes.len() - chunk.len(), end, "{item:?}");
        if matches!(item, Item::Element(Element { name: Name::Success, .. })) {
            reader.restart();
        }
    }
}

#[test]
fn the_limit_is_exact_and_does_not_depend_on_the_split() {
    let mut bytes = Vec::new();
    let writer = StreamWriter::open(StreamKind::ClientToServer, Side::Client, &mut bytes);
    writer.message(1, 200, &mut bytes);
    let first = bytes.len();
    writer.message(2, 201, &mut bytes);
    for limit in [200, 201] {
        let (items, error) = read(limit, [&bytes[..]]);
        assert_eq!((items.len(), error), if limit == 200 { (2, Some(ReadError::StanzaTooBig)) } else { (3, None) });
        for at in 0..=bytes.len() {
            assert_eq!(read(limit, [&bytes[..at], &bytes[at..]]), (items.clone(), error), "split at {at}");
        }
    }
    // One byte short of the limit plus one, nothing is wrong yet.
    assert_eq!(read(200, [&bytes[..first + 200]]).1, None);
    assert_eq!(read(200, [&bytes[..=first + 200]]).1, Some(ReadError::StanzaTooBig));
}

#[test]
fn white_space_between_stanzas_is_free() {
    let blanks = " \n\r\t".repeat(10_000);
    let body = format!("{blanks}<presence/>{blanks}<presence/>{blanks}</stream:stream>{blanks}");
    let presence = element(Name::Presence, None, None, Child::None, 11);
    assert_eq!(read_body(&body), (vec![presence, presence, Item::CloseTag], None));
    let start = format!("{blanks}{HEADER}");
    assert_eq!(read(48, [start.as_bytes()]).0.len(), 1);
}

#[test]
fn names_count_by_their_namespace() {
    let alone = |body: &str| match read_body(body) {
        (items, None) => match items[..] {
            [Item::Element(element)] => (element.name, element.child),
            _ => panic!("{body} gave {items:?}"),
        },
        (_, Some(error)) => panic!("{body}: {error}"),
    };
    for (body, name, child) in [
        ("<message xmlns='jabber:client'/>", Name::Message, Child::None),
        ("<c:message xmlns:c='jabber:client'/>", Name::Message, Child::None),
        ("<message xmlns='jabber:server'/>", Name::Other, Child::None),
        ("<message xmlns=''/>", Name::Other, Child::None),
        ("<stream:message/>", Name::Other, Child::None),
        ("<error/>", Name::Other, Child::None),
        ("<e:error xmlns:e='http://etherx.jabber.org/streams'/>", Name::StreamError, Child::None),
        ("<stream:features xmlns:stream='urn:other'/>", Name::Other, Child::None),
        ("<success/>", Name::Other, Child::None),
        ("<iq><ping/></iq>", Name::Iq, Child::Other),
        ("<iq><p:ping xmlns:p='urn:xmpp:ping'/></iq>", Name::Iq, Child::Ping),
        ("<iq><a><ping xmlns='urn:xmpp:ping'/></a></iq>", Name::Iq, Child::Other),
        ("<iq><a xmlns='urn:xmpp:ping'/><ping/></iq>", Name::Iq, Child::Other),
        (
            "<stream:error xmlns='urn:ietf:params:xml:ns:xmpp-streams'><text>bye</text><conflict/></stream:error>",
            Name::StreamError,
            Child::Condition(Condition::Conflict),
        ),
        ("<stream:error><conflict/></stream:error>", Name::StreamError, Child::Other),
    ] {
        assert_eq!(alone(body), (name, child), "{body}");
    }
}

#[test]
fn an_element_says_nothing_about_the_next() {
    let (items, error) =
        read_body("<iq type='get' id='q1'><ping xmlns='urn:xmpp:ping'/></iq><iq/><message type='get'/>");
    assert_eq!(error, None);
    assert_eq!(items[1], element(Name::Iq, None, None, Child::None, 5));
    assert_eq!(items[2], element(Name::Message, None, None, Child::None, 21));
}

#[test]
fn an_empty_root_opens_and_closes() {
    let empty = HEADER.replace('>', "/>");
    for pieces in [vec![empty.as_bytes()], empty.as_bytes().chunks(1).collect()] {
        let (items, error) = read(MAX_STANZA, pieces);
        assert!(matches!(items[..], [Item::Header(_), Item::CloseTag]), "{items:?}");
        assert_eq!(error, None);
    }
}

#[test]
fn a_reader_at_rest_is_small() {
    assert!(size_of::<Reader>() <= 48, "{} bytes", size_of::<Reader>());
    assert!(size_of::<Work>() <= 512, "{} bytes while a stanza comes in", size_of::<Work>());
    for kind in [StreamKind::ClientToServer, StreamKind::ServerToServer] {
        let (bytes, wanted) = session(kind);
        for (item, end) in wanted.iter().take(2) {
            let mut reader = Reader::new(MAX_STANZA);
            let mut chunk = &bytes[..*end];
            while reader.next(&mut chunk).unwrap().is_some() {}
            assert!(reader.work.is_none(), "memory is held behind {item:?}");
            assert!(matches!(reader.root, Root::Usual(_)), "memory is held for the header");
        }
    }
}

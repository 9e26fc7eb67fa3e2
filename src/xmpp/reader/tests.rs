//! Whole sessions, cut at every place; hostile inputs.

use super::*;
use crate::xmpp::config::MAX_STANZA;

#[test]
fn a_session_is_read() {
    let mut reader = Reader::new(MAX_STANZA);
    let mut chunk: &[u8] = b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>\n<presence/></stream:stream>";
    assert!(matches!(reader.next(&mut chunk), Ok(Some(Item::Header(_)))));
    assert!(matches!(reader.next(&mut chunk), Ok(Some(Item::Element(_)))));
    assert_eq!(reader.next(&mut chunk), Ok(Some(Item::CloseTag)));
    assert_eq!(reader.next(&mut chunk), Ok(None));
}

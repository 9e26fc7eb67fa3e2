//! The namespaces that mean something here.

/// A namespace, by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// No namespace.
    Absent,
    /// `jabber:client`.
    Client,
    /// `jabber:server`.
    Server,
    /// Of the header, features and stream errors.
    Streams,
    /// Of stream error conditions.
    StreamErrors,
    /// Of SASL.
    Sasl,
    /// Of resource binding.
    Bind,
    /// Of XEP-0199.
    Ping,
    /// Of XEP-0198.
    Management,
    /// Of stanza error conditions.
    StanzaErrors,
    /// Of XEP-0220, which server headers declare.
    Dialback,
    /// Of the prefix `xml`.
    Xml,
    /// Of the prefix `xmlns`; nothing may be bound to it.
    Xmlns,
    /// Any other: the declaration keeps its name.
    Unknown,
}

impl Namespace {
    pub(super) fn of(name: &[u8]) -> Self {
        match name {
            b"" => Self::Absent,
            b"jabber:client" => Self::Client,
            b"jabber:server" => Self::Server,
            b"http://etherx.jabber.org/streams" => Self::Streams,
            b"urn:ietf:params:xml:ns:xmpp-streams" => Self::StreamErrors,
            b"urn:ietf:params:xml:ns:xmpp-sasl" => Self::Sasl,
            b"urn:ietf:params:xml:ns:xmpp-bind" => Self::Bind,
            b"urn:xmpp:ping" => Self::Ping,
            b"urn:xmpp:sm:3" => Self::Management,
            b"urn:ietf:params:xml:ns:xmpp-stanzas" => Self::StanzaErrors,
            b"jabber:server:dialback" => Self::Dialback,
            b"http://www.w3.org/XML/1998/namespace" => Self::Xml,
            b"http://www.w3.org/2000/xmlns/" => Self::Xmlns,
            _ => Self::Unknown,
        }
    }
}

//! Values by name: numbers, names, bytes, addresses. In JSON a call's arguments are an object of them.

use std::borrow::Cow;
use std::fmt;
use std::net::{SocketAddrV4, SocketAddrV6};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::label::{Composed, Label};
use crate::text::{is_safe_to_show, safe};

/// Named values in order: a call's arguments, or what it filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Args(pub Vec<(Cow<'static, str>, Value)>);

impl Args {
    /// True if there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The address of that name.
    #[must_use]
    pub fn address(&self, name: &str) -> Option<&Address> {
        match self.get(name) {
            Some(Value::Address(address)) => Some(address),
            _ => None,
        }
    }

    /// The data of that name.
    #[must_use]
    pub fn data(&self, name: &str) -> Option<&Data> {
        match self.get(name) {
            Some(Value::Data(data)) => Some(data),
            _ => None,
        }
    }
}

impl Serialize for Args {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> de::Visitor<'de> for InOrder {
            type Value = Args;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of named values")
            }
            fn visit_map<M: de::MapAccess<'de>>(self, mut map: M) -> Result<Args, M::Error> {
                let mut all = Vec::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    all.push((Cow::Owned(name), value));
                }
                Ok(Args(all))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// A value in a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number: a descriptor, a count of bytes, a flag (0 or 1).
    Number(i64),
    /// A name: `AF_INET`, `SOCK_STREAM`, `ESTABLISHED`.
    Text(Cow<'static, str>),
    /// Bytes that were sent or received.
    Data(Data),
    /// The address of a socket.
    Address(Address),
    /// A word to be translated: `gone`, `none`.
    #[serde(with = "composed")]
    Label(Label),
}

/// A label as a value: an object even without arguments, because a string is a name.
mod composed {
    use super::{Composed, Deserialize, Deserializer, Label, Serialize, Serializer};

    pub fn serialize<S: Serializer>(label: &Label, serializer: S) -> Result<S::Ok, S::Error> {
        Composed::from(label.clone()).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Label, D::Error> {
        Composed::deserialize(deserializer).map(Label::from)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Number(number) => write!(f, "{number}"),
            Value::Text(text) => f.write_str(text),
            Value::Data(data) => write!(f, "{data}"),
            Value::Address(address) => write!(f, "{address}"),
            Value::Label(label) => write!(f, "{label}"),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$it:ident| $value:expr;)*) => {
        $(impl From<$from> for Value {
            fn from($it: $from) -> Value { $value }
        })*
    };
}

value_from! {
    i64 => |it| Value::Number(it);
    i32 => |it| Value::Number(it.into());
    u32 => |it| Value::Number(it.into());
    u64 => |it| Value::Number(it.try_into().unwrap_or(i64::MAX));
    char => |it| Value::Text(Cow::Owned(it.to_string()));
    usize => |it| Value::Number(it.try_into().unwrap_or(i64::MAX));
    &'static str => |it| Value::Text(Cow::Borrowed(it));
    String => |it| Value::Text(Cow::Owned(it));
    Cow<'static, str> => |it| Value::Text(it);
    Data => |it| Value::Data(it);
    Address => |it| Value::Address(it);
    Label => |it| Value::Label(it);
}

/// Bytes that a program passed to the kernel, or received from it. At most [`Data::KEPT`] are kept; all are counted.
#[derive(Clone, PartialEq, Eq)]
pub struct Data {
    /// How many there were.
    pub bytes: usize,
    /// The first of them.
    pub kept: Vec<u8>,
}

impl Data {
    /// How many bytes are kept of each call.
    pub const KEPT: usize = 128;

    /// Keeps the start of these bytes, and their number.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Data {
        Data { bytes: bytes.len(), kept: bytes[..bytes.len().min(Data::KEPT)].to_vec() }
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Data({self})")
    }
}

impl fmt::Display for Data {
    /// A quoted string as strace prints it: bytes that are not text are escaped, and `…` stands for bytes that were not kept. If
    /// none was kept (sendfile), there is nothing to quote.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kept.is_empty() && self.bytes > 0 {
            return f.write_str("…");
        }
        f.write_str("\"")?;
        for chunk in self.kept.utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '"' | '\\' | '\n' | '\r' | '\t' => write!(f, "{}", character.escape_default())?,
                    plain if plain.is_ascii_graphic() || plain == ' ' => write!(f, "{plain}")?,
                    other if other.is_ascii() => write!(f, "\\x{:02x}", u32::from(other))?,
                    other if is_safe_to_show(other) => write!(f, "{other}")?,
                    other => write!(f, "{}", other.escape_unicode())?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        f.write_str(if self.kept.len() < self.bytes { "\"…" } else { "\"" })
    }
}

#[derive(Serialize, Deserialize)]
struct DataLine {
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    hex: Option<String>,
}

impl Serialize for Data {
    /// `{"bytes":5,"text":"hello"}`, or `hex` where the kept bytes are not UTF-8.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (text, hex) = match str::from_utf8(&self.kept) {
            Ok(text) => (Some(text.to_owned()), None),
            Err(_) => (None, Some(self.kept.iter().map(|byte| format!("{byte:02x}")).collect())),
        };
        DataLine { bytes: self.bytes, text, hex }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Data {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let line = DataLine::deserialize(deserializer)?;
        let kept = match (line.text, line.hex) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(hex)) if hex.is_ascii() && hex.len() % 2 == 0 => (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16))
                .collect::<Result<_, _>>()
                .map_err(de::Error::custom)?,
            _ => {
                return Err(de::Error::custom("data has either `text` or `hex` (pairs of digits)"));
            }
        };
        if kept.len() > line.bytes {
            return Err(de::Error::custom("data keeps more bytes than there were"));
        }
        Ok(Data { bytes: line.bytes, kept })
    }
}

/// A socket's address, by family.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Address {
    /// `AF_INET`: an IPv4 address and a port (ip(7)).
    Inet(SocketAddrV4),
    /// `AF_INET6`: an IPv6 address and a port (ipv6(7)).
    Inet6(SocketAddrV6),
    /// `AF_UNIX`: a path, `@name` for Linux's abstract names, or nothing for a socket without a name (unix(7)).
    Unix(Option<String>),
}

impl Address {
    /// The port, where the family has ports.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        match self {
            Address::Inet(address) => Some(address.port()),
            Address::Inet6(address) => Some(address.port()),
            Address::Unix(_) => None,
        }
    }

    /// How many bytes an address of this family takes, if all take the same: the size of its `sockaddr`.
    #[must_use]
    pub fn length(&self) -> Option<usize> {
        match self {
            Address::Inet(_) => Some(16),
            Address::Inet6(_) => Some(28),
            Address::Unix(_) => None,
        }
    }

    /// The family's name: `AF_INET`.
    #[must_use]
    pub fn family(&self) -> &'static str {
        match self {
            Address::Inet(_) => "AF_INET",
            Address::Inet6(_) => "AF_INET6",
            Address::Unix(_) => "AF_UNIX",
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Inet(address) => write!(f, "{address}"),
            Address::Inet6(address) => write!(f, "{address}"),
            Address::Unix(Some(path)) => f.write_str(&safe(path)),
            Address::Unix(None) => f.write_str("(no name)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_written_in_one_style() {
        assert_eq!(Data::of(b"\x16\x03\xc3\0 ok\n").to_string(), "\"\\x16\\x03\\xc3\\x00 ok\\n\"");
        assert_eq!(Data { bytes: 3, kept: b"a".to_vec() }.to_string(), "\"a\"…");
        assert_eq!(Data { bytes: 3, kept: Vec::new() }.to_string(), "…");
        assert_eq!(Data::of(b"").to_string(), "\"\"");
    }
}

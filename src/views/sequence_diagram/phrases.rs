//! A ladder's phrases: what can be said of a call without knowing the rest of the diagram.

use crate::analysis::CallSpan;
use crate::i18n::tr;
use crate::picture::phrase::Phrase;
use crate::picture::span_of;
use crate::trace::Address;
use crate::views::wording;

pub(super) fn under_way(made: &CallSpan) -> bool {
    made.errno() == Some("EINPROGRESS")
}

pub(super) fn connect_words(made: &CallSpan) -> Phrase {
    let errno = made
        .errno()
        .filter(|_| under_way(made))
        .map_or_else(String::new, |errno| format!(" = {errno}"));
    let at = made.call.syscall.address().into_iter().flat_map(near);
    at.map(|at| format!("connect {at}{errno}"))
        .chain([format!("connect{errno}"), "connect".to_owned()])
        .collect()
}

pub(super) fn after(made: &CallSpan, took: bool) -> String {
    if took {
        tr!(" after {span}", span = span_of(made.returned_ns().saturating_sub(made.entered_ns)))
    } else {
        String::new()
    }
}

/// An address in full, and in short.
pub(super) fn near(address: &Address) -> Phrase {
    let full = wording::address(address);
    match address {
        Address::Inet(_) | Address::Inet6(_) => {
            let mapped = match address {
                Address::Inet6(at) if at.ip().to_ipv4_mapped().is_some() => {
                    Some(at.ip().to_string())
                }
                _ => None,
            };
            let port = format!(":{}", address.port().unwrap_or(0));
            [full].into_iter().chain(mapped).chain([port]).collect()
        }
        Address::Unix(_) => {
            let file = full.rsplit_once('/').map(|(_, file)| format!("…/{file}"));
            [full].into_iter().chain(file).collect()
        }
    }
}

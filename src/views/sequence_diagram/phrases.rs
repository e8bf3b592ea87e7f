//! A ladder's phrases: what can be said of a call without knowing the rest of the diagram.

use crate::analysis::CallSpan;
use crate::i18n::tr;
use crate::picture::phrase::Phrase;
use crate::picture::span_of;
use crate::trace::Address;
use crate::views::wording;

pub(super) fn connect_words(span: &CallSpan) -> Phrase {
    let errno = span
        .errno()
        .filter(|_| span.is_under_way())
        .map_or_else(String::new, |errno| format!(" = {errno}"));
    let at = span.call.syscall.address().into_iter().flat_map(near);
    at.map(|at| format!("connect {at}{errno}"))
        .chain([format!("connect{errno}"), "connect".to_owned()])
        .collect()
}

pub(super) fn after(span: &CallSpan, took: bool) -> String {
    if took { tr!(" after {span}", span = span_of(span.took_ns())) } else { String::new() }
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

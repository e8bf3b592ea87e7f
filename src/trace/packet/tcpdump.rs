//! A frame in one line, as tcpdump prints it.

use std::fmt;

use super::{Arp, Layers};

impl fmt::Display for Layers {
    /// The frame in one line, in tcpdump's manner.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(arp) = &self.arp {
            return match arp.operation {
                1 => write!(
                    f,
                    "ARP, Request who-has {} tell {}, length {}",
                    arp.target_ip,
                    arp.sender_ip,
                    Arp::BYTES
                ),
                2 => write!(
                    f,
                    "ARP, Reply {} is-at {}, length {}",
                    arp.sender_ip,
                    arp.sender_mac,
                    Arp::BYTES
                ),
                other => write!(f, "ARP, operation {other}"),
            };
        }
        match (&self.ip, &self.ethernet) {
            (Some(ip), _) => {
                let (name, length) =
                    (if ip.src.is_ipv4() { "IP" } else { "IP6" }, self.payload_bytes);
                if let Some(tcp) = &self.tcp {
                    write!(
                        f,
                        "{name} {}.{} > {}.{}: Flags [{}]",
                        ip.src,
                        tcp.src_port,
                        ip.dst,
                        tcp.dst_port,
                        tcp.flags.letters()
                    )?;
                    if length > 0 {
                        write!(
                            f,
                            ", seq {}:{}",
                            tcp.seq,
                            tcp.seq.wrapping_add(u32::try_from(length).unwrap_or(0))
                        )?;
                    } else {
                        write!(f, ", seq {}", tcp.seq)?;
                    }
                    if tcp.flags.ack() {
                        write!(f, ", ack {}", tcp.ack)?;
                    }
                    write!(f, ", win {}", tcp.window)?;
                    if !tcp.options.is_empty() {
                        let options: Vec<_> = tcp.options.iter().map(ToString::to_string).collect();
                        write!(f, ", options [{}]", options.join(","))?;
                    }
                    write!(f, ", length {length}")?;
                } else if let Some(udp) = &self.udp {
                    write!(
                        f,
                        "{name} {}.{} > {}.{}: UDP, length {length}",
                        ip.src, udp.src_port, ip.dst, udp.dst_port
                    )?;
                } else if let Some(icmp) = &self.icmp {
                    write!(
                        f,
                        "{name} {} > {}: ICMP type {} code {}",
                        ip.src, ip.dst, icmp.kind, icmp.code
                    )?;
                    if let Some((_, port)) = icmp.about {
                        write!(f, ", about port {port}")?;
                    }
                } else {
                    write!(
                        f,
                        "{name} {} > {}: protocol {}, length {length}",
                        ip.src, ip.dst, ip.protocol
                    )?;
                }
            }
            (None, Some(ethernet)) => write!(
                f,
                "{} > {}, ethertype 0x{:04x}",
                ethernet.src, ethernet.dst, ethernet.ether_type
            )?,
            (None, None) => f.write_str("no frame")?,
        }
        self.malformed.as_ref().map_or(Ok(()), |why| write!(f, " [{why}]"))
    }
}

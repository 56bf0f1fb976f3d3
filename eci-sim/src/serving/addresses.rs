//! Addresses of groups and virtual nodes, private and public.

use std::net::Ipv4Addr;

use crate::group::Group;
use crate::lifecycle::State;

/// Private address, once the group has a machine.
pub fn address(group: &Group) -> Option<Ipv4Addr> {
    group.address.filter(|_| !matches!(group.state, State::Scheduling | State::ScheduleFailed))
}

/// An address in dotted form, `192.0.2.1`.
pub fn dotted(address: Ipv4Addr) -> String {
    let mut text = String::with_capacity("255.255.255.255".len());
    for (at, octet) in address.octets().into_iter().enumerate() {
        if at > 0 {
            text.push('.');
        }
        for (from, tens) in [(100, 100), (10, 10), (0, 1)] {
            if octet >= from {
                text.push(char::from(b'0' + octet / tens % 10));
            }
        }
    }
    text
}

/// Address of a public address with this id; the real one belongs to another service, so it is `ours`.
pub fn of_eip(id: &str) -> String {
    let mix = |sum: u16, byte: u8| sum.rotate_left(5) ^ u16::from(byte);
    let [high, low] = id.bytes().fold(0x1e, mix).to_be_bytes();
    Ipv4Addr::new(198, 19, high, low).to_string()
}

/// Public address of its own for a group with this private one; from 198.18.0.0/16, which is reserved for benchmarks.
pub fn public(private: Ipv4Addr) -> String {
    let [_, _, high, low] = private.octets();
    Ipv4Addr::new(198, 18, high, low).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_everywhere() {
        for octet in 0..=u8::MAX {
            let address = Ipv4Addr::new(10, octet, 255 - octet, 7);
            assert_eq!(dotted(address), address.to_string());
        }
    }
}

//! Addresses: each vSwitch has a range of its own, out of which groups get theirs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The vSwitches of an account in a region, in the order in which they were first named.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Network {
    vswitches: BTreeMap<Arc<str>, VSwitch>,
}

/// One vSwitch: the range `10.<index>.0.0/16`, and a zone. The real ones belong to another service, so both are `ours`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VSwitch {
    /// The zone it is in.
    pub zone: Arc<str>,
    index: u8,
    used: BTreeSet<u16>,
    cursor: u16,
    reserved: BTreeMap<Box<str>, (u16, Timestamp)>,
}

/// An address that cannot be given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressError {
    /// All addresses are in use.
    Exhausted,
    /// The address that was asked for is in use.
    InUse,
    /// The address that was asked for is outside of the vSwitch's range.
    OutOfRange(Ipv4Addr),
}

/// The first and last host number that is given out; the lowest and highest few belong to the cloud.
const FIRST: u16 = 10;
const LAST: u16 = 0xfff0;

impl Network {
    /// The vSwitch of this id; one that was never named is made, in the zone given, or else in one of `zones`.
    pub fn vswitch(&mut self, id: &Arc<str>, zone: Option<Arc<str>>, zones: &[Arc<str>]) -> &mut VSwitch {
        let index = self.vswitches.len();
        self.vswitches.entry(Arc::clone(id)).or_insert_with(|| VSwitch {
            zone: zone
                .or_else(|| zones.get(index % zones.len().max(1)).cloned())
                .unwrap_or_else(|| "".into()),
            index: u8::try_from(index % 256).unwrap_or(0),
            used: BTreeSet::new(),
            cursor: FIRST,
            reserved: BTreeMap::new(),
        })
    }

    /// Frees an address, or reserves it until an instant for the next group of a name.
    pub fn release(&mut self, vswitch: &str, address: Option<Ipv4Addr>, reserved: Option<(&str, Timestamp)>) {
        if let (Some(vswitch), Some(address)) = (self.vswitches.get_mut(vswitch), address) {
            let [first, index, high, low] = address.octets();
            if (first, index) != (10, vswitch.index) {
                return;
            }
            let host = u16::from_be_bytes([high, low]);
            match reserved {
                Some((name, until)) => drop(vswitch.reserved.insert(name.into(), (host, until))),
                None => drop(vswitch.used.remove(&host)),
            }
        }
    }
}

impl VSwitch {
    /// Takes the address that is reserved for the next group of a name.
    pub fn take_reserved(&mut self, name: &str, now: Timestamp) -> Option<Ipv4Addr> {
        self.expire(now);
        let (host, _) = self.reserved.remove(name)?;
        let [high, low] = host.to_be_bytes();
        Some(Ipv4Addr::new(10, self.index, high, low))
    }

    /// Frees the addresses whose reservation has expired.
    pub fn expire(&mut self, now: Timestamp) {
        let Self { reserved, used, .. } = self;
        reserved.retain(|_, (host, until)| *until > now || !used.remove(host));
    }

    /// Gives out an address: the one asked for, or the next that is free.
    ///
    /// # Errors
    /// [`AddressError`] when it is taken, or all are.
    pub fn allocate(&mut self, asked: Option<Ipv4Addr>) -> Result<Ipv4Addr, AddressError> {
        let host = match asked.map(|address| address.octets()) {
            Some([10, index, high, low]) if index == self.index => {
                let host = u16::from_be_bytes([high, low]);
                if self.used.contains(&host) {
                    return Err(AddressError::InUse);
                }
                host
            }
            Some(_) => return Err(AddressError::OutOfRange(Ipv4Addr::new(10, self.index, 0, 0))),
            None => {
                let mut hosts = (self.cursor..=LAST).chain(FIRST..self.cursor);
                let host = hosts.find(|host| !self.used.contains(host)).ok_or(AddressError::Exhausted)?;
                self.cursor = if host == LAST { FIRST } else { host + 1 };
                host
            }
        };
        self.used.insert(host);
        let [high, low] = host.to_be_bytes();
        Ok(Ipv4Addr::new(10, self.index, high, low))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_groups_have_the_same_address() {
        let mut network = Network::default();
        let zones = ["z".into()];
        let mut seen = BTreeSet::new();
        for id in ["vsw-1", "vsw-2"] {
            let vswitch = network.vswitch(&id.into(), None, &zones);
            while let Ok(address) = vswitch.allocate(None) {
                assert!(seen.insert(address), "{address}");
            }
        }
        let some = *seen.first().unwrap();
        network.release("vsw-1", Some(some), None);
        assert_eq!(network.vswitch(&"vsw-1".into(), None, &zones).allocate(None), Ok(some));
    }

    #[test]
    fn a_kept_address_goes_to_the_next_group_of_the_name_or_to_anyone_when_the_time_is_over() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (now, later) = (at("2026-01-01T00:00:00Z"), at("2026-01-03T00:00:00Z"));
        let mut network = Network::default();
        let id: Arc<str> = "vsw-1".into();
        let address = network.vswitch(&id, None, &[]).allocate(None).unwrap();
        network.release(&id, Some(address), Some(("web", later)));
        let vswitch = network.vswitch(&id, None, &[]);
        assert_eq!(vswitch.allocate(Some(address)), Err(AddressError::InUse));
        assert_eq!(vswitch.take_reserved("web", now), Some(address));
        network.release(&id, Some(address), Some(("web", later)));
        let vswitch = network.vswitch(&id, None, &[]);
        assert_eq!(vswitch.take_reserved("web", later), None);
        assert_eq!(vswitch.allocate(Some(address)), Ok(address));
    }
}

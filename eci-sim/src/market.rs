//! The spot market: prices by type, zone and time, as set through the control API.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Hourly};
use crate::prices::{Location, NoPrice, Tariff};
use crate::terms::InstanceTerms;
use crate::text::matches;

/// A price of the spot market from an instant on; a `*` in type or zone stands for anything.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The ECS type, as `ecs.c5.*`; a size, as `2.0-4.0Gi`, where no type has it.
    pub what: String,
    /// The zone, as `cn-hangzhou-*`.
    pub zone: String,
    /// Currency of the price; that of the simulator where nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// Start of the price.
    pub from: Timestamp,
    /// Price of an hour.
    pub hourly: Decimal,
}

/// The market. Without a price that was set, an hour costs three tenths of the list price (`ours`; the manual says 30
/// to 90 percent off).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Market(Vec<Quote>);

impl Market {
    /// Sets a price from an instant on.
    pub fn quote(&mut self, quote: Quote) {
        self.0.push(quote);
    }

    /// Removes all prices that were set.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The prices that were set, in that order.
    pub fn quotes(&self) -> &[Quote] {
        &self.0
    }

    /// The price of an hour of a spot instance on these terms, in a location at an instant.
    ///
    /// # Errors
    /// [`NoPrice`] where neither a price was set nor a list has that of its type.
    pub fn spot_price(
        &self,
        terms: &InstanceTerms,
        location: Location<'_>,
        tariff: &Tariff,
        at: Timestamp,
    ) -> Result<Hourly, NoPrice> {
        let list = match terms.instance_type() {
            Some(name) => tariff.type_price(name, location, at),
            None => Err(tariff.no_price(&terms.spot_item(), location, at)),
        };
        let amount = self.hourly(&terms.what(), location.zone, list, tariff, at)?;
        Ok(Hourly { amount, currency: tariff.currency })
    }

    /// The price of an hour: that of the latest quote, of several for the same instant the last that was set; never
    /// more than the list price (billing.md, section 6, inferred).
    fn hourly(
        &self,
        what: &str,
        zone: &str,
        list: Result<Decimal, NoPrice>,
        tariff: &Tariff,
        at: Timestamp,
    ) -> Result<Decimal, NoPrice> {
        let fits = |quote: &&Quote| {
            quote.currency.unwrap_or(tariff.default_currency()) == tariff.currency
                && quote.from <= at
                && matches(&quote.what, what)
                && matches(&quote.zone, zone)
        };
        let latest = self.0.iter().filter(fits).max_by_key(|quote| quote.from).map(|quote| quote.hourly);
        match (latest, list) {
            (Some(quoted), Ok(list)) => Ok(quoted.min(list)),
            (Some(quoted), Err(_)) => Ok(quoted),
            (None, list) => list.map(|list| list * Decimal::new(3, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_quote_that_fits_counts_and_the_list_price_is_the_most() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut market = Market::default();
        let list = Decimal::new(62, 2);
        for (what, from, hourly) in [
            ("ecs.c5.*", "2026-01-01T10:00:00Z", "0.5"),
            ("ecs.c5.*", "2026-01-01T09:00:00Z", "0.1"),
            ("ecs.c5.*", "2026-01-01T11:00:00Z", "9"),
            ("ecs.g5.*", "2026-01-01T09:00:00Z", "0.2"),
        ] {
            let hourly = hourly.parse().unwrap();
            let (what, zone) = (what.into(), "*".into());
            market.quote(Quote { what, zone, currency: None, from: at(from), hourly });
        }
        for (now, hourly) in [
            ("2026-01-01T08:59:59Z", "0.186"),
            ("2026-01-01T09:00:00Z", "0.1"),
            ("2026-01-01T10:30:00Z", "0.5"),
            ("2026-01-01T11:00:00Z", "0.62"),
        ] {
            assert_eq!(
                market.hourly("ecs.c5.large", "z", Ok(list), &Tariff::default(), at(now)),
                Ok(hourly.parse().unwrap()),
                "{now}"
            );
        }
    }

    #[test]
    fn a_price_holds_for_accounts_of_its_currency_alone() {
        let (yuan, from) = (Tariff::default(), "2026-01-01T10:00:00Z".parse::<Timestamp>().unwrap());
        let dollars = yuan.in_currency(Currency::Usd);
        let mut market = Market::default();
        for (currency, hourly) in [(None, Decimal::new(5, 1)), (Some(Currency::Usd), Decimal::new(7, 2))] {
            market.quote(Quote { what: "*".into(), zone: "*".into(), currency, from, hourly });
        }
        for (tariff, hourly) in [(yuan, Decimal::new(5, 1)), (dollars, Decimal::new(7, 2))] {
            let list = Ok(Decimal::ONE);
            assert_eq!(market.hourly("ecs.c6.large", "z", list, &tariff, from), Ok(hourly));
        }
    }
}

//! The countries that Adzuna covers (docs/vendors/adzuna.md#search-request).

/// A country that Adzuna covers. Salaries come without a currency, and ids of postings are unique only within a
/// country.
#[derive(Debug, PartialEq, Eq)]
pub struct Country {
    /// Two letters in lower case, as in Adzuna's paths.
    pub code: &'static str,
    /// The currency of its salaries (ISO 4217).
    pub currency: &'static str,
    /// Adzuna's web site.
    pub site: &'static str,
}

const fn country(code: &'static str, currency: &'static str, site: &'static str) -> Country {
    Country { code, currency, site }
}

/// All of them, Adzuna's home country first.
static COUNTRIES: [Country; 19] = [
    country("gb", "GBP", "https://www.adzuna.co.uk/"),
    country("at", "EUR", "https://www.adzuna.at/"),
    country("au", "AUD", "https://www.adzuna.com.au/"),
    country("be", "EUR", "https://www.adzuna.be/"),
    country("br", "BRL", "https://www.adzuna.com.br/"),
    country("ca", "CAD", "https://www.adzuna.ca/"),
    country("ch", "CHF", "https://www.adzuna.ch/"),
    country("de", "EUR", "https://www.adzuna.de/"),
    country("es", "EUR", "https://www.adzuna.es/"),
    country("fr", "EUR", "https://www.adzuna.fr/"),
    country("in", "INR", "https://www.adzuna.in/"),
    country("it", "EUR", "https://www.adzuna.it/"),
    country("mx", "MXN", "https://www.adzuna.com.mx/"),
    country("nl", "EUR", "https://www.adzuna.nl/"),
    country("nz", "NZD", "https://www.adzuna.co.nz/"),
    country("pl", "PLN", "https://www.adzuna.pl/"),
    country("sg", "SGD", "https://www.adzuna.sg/"),
    country("us", "USD", "https://www.adzuna.com/"),
    country("za", "ZAR", "https://www.adzuna.co.za/"),
];

impl Country {
    /// Great Britain, Adzuna's home country.
    #[must_use]
    pub fn home() -> &'static Self {
        &COUNTRIES[0]
    }

    /// The one with this code.
    #[must_use]
    pub fn find(code: &str) -> Option<&'static Self> {
        COUNTRIES.iter().find(|country| country.code == code)
    }

    /// The codes of all countries, for an error message.
    #[must_use]
    pub fn codes() -> String {
        COUNTRIES.iter().map(|country| country.code).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::Country;

    #[test]
    fn every_code_that_is_named_leads_to_its_country_and_no_other_does() {
        let codes = Country::codes();
        let codes: Vec<&str> = codes.split(", ").collect();
        assert_eq!((codes.len(), codes[0]), (19, Country::home().code));
        assert!(codes.iter().all(|code| Country::find(code).is_some_and(|country| country.code == *code)));
        assert!(["", "GB", "jp"].iter().all(|code| Country::find(code).is_none()));
    }
}

//! The country of an address, by the blocks of addresses that ICAO has assigned to states (Annex 10, volume III,
//! chapter 9).
//!
//! The blocks come from `data/patterns.json` of the crate `rs1090`, see `SOURCES.md`. Countries are named as OpenSky
//! names them where the names differ, so that the aircraft of all sources have one name for a country.

use crate::domain::Icao24;

/// Returns the country whose block an address is in, or `None` for an address that is not assigned to a country.
pub fn country_of(icao24: Icao24) -> Option<&'static str> {
    let address = icao24.to_u32();
    let after = BLOCKS.partition_point(|block| block.0 <= address);
    let (_, last, country) = BLOCKS.get(after.checked_sub(1)?)?;
    (address <= *last).then_some(*country)
}

/// The first and the last address and the country of each block, in the order of addresses.
const BLOCKS: &[(u32, u32, &str)] = &[
    (0x004000, 0x0047ff, "Zimbabwe"),
    (0x006000, 0x006fff, "Mozambique"),
    (0x008000, 0x00ffff, "South Africa"),
    (0x010000, 0x017fff, "Egypt"),
    (0x018000, 0x01ffff, "Libya"),
    (0x020000, 0x027fff, "Morocco"),
    (0x028000, 0x02ffff, "Tunisia"),
    (0x030000, 0x0307ff, "Botswana"),
    (0x032000, 0x032fff, "Burundi"),
    (0x034000, 0x034fff, "Cameroon"),
    (0x035000, 0x0357ff, "Comoros"),
    (0x036000, 0x036fff, "Republic of the Congo"),
    (0x038000, 0x038fff, "Côte d'Ivoire"),
    (0x03e000, 0x03efff, "Gabon"),
    (0x040000, 0x040fff, "Ethiopia"),
    (0x042000, 0x042fff, "Equatorial Guinea"),
    (0x044000, 0x044fff, "Ghana"),
    (0x046000, 0x046fff, "Guinea"),
    (0x048000, 0x0487ff, "Guinea-Bissau"),
    (0x04a000, 0x04a7ff, "Lesotho"),
    (0x04c000, 0x04cfff, "Kenya"),
    (0x050000, 0x050fff, "Liberia"),
    (0x054000, 0x054fff, "Madagascar"),
    (0x058000, 0x058fff, "Malawi"),
    (0x05a000, 0x05a7ff, "Maldives"),
    (0x05c000, 0x05cfff, "Mali"),
    (0x05e000, 0x05e7ff, "Mauritania"),
    (0x060000, 0x0607ff, "Mauritius"),
    (0x062000, 0x062fff, "Niger"),
    (0x064000, 0x064fff, "Nigeria"),
    (0x068000, 0x068fff, "Uganda"),
    (0x06a000, 0x06a7ff, "Qatar"),
    (0x06c000, 0x06cfff, "Central African Republic"),
    (0x06e000, 0x06efff, "Rwanda"),
    (0x070000, 0x070fff, "Senegal"),
    (0x074000, 0x0747ff, "Seychelles"),
    (0x076000, 0x0767ff, "Sierra Leone"),
    (0x078000, 0x078fff, "Somalia"),
    (0x07a000, 0x07a7ff, "Eswatini"),
    (0x07c000, 0x07cfff, "Sudan"),
    (0x080000, 0x080fff, "Tanzania"),
    (0x084000, 0x084fff, "Chad"),
    (0x088000, 0x088fff, "Togo"),
    (0x08a000, 0x08afff, "Zambia"),
    (0x08c000, 0x08cfff, "Democratic Republic of the Congo"),
    (0x090000, 0x090fff, "Angola"),
    (0x094000, 0x0947ff, "Benin"),
    (0x096000, 0x0967ff, "Cape Verde"),
    (0x098000, 0x0987ff, "Djibouti"),
    (0x09a000, 0x09afff, "Gambia"),
    (0x09c000, 0x09cfff, "Burkina Faso"),
    (0x09e000, 0x09e7ff, "São Tomé and Príncipe"),
    (0x0a0000, 0x0a7fff, "Algeria"),
    (0x0a8000, 0x0a8fff, "Bahamas"),
    (0x0aa000, 0x0aa7ff, "Barbados"),
    (0x0ab000, 0x0ab7ff, "Belize"),
    (0x0ac000, 0x0acfff, "Colombia"),
    (0x0ae000, 0x0aefff, "Costa Rica"),
    (0x0b0000, 0x0b0fff, "Cuba"),
    (0x0b2000, 0x0b2fff, "El Salvador"),
    (0x0b4000, 0x0b4fff, "Guatemala"),
    (0x0b6000, 0x0b6fff, "Guyana"),
    (0x0b8000, 0x0b8fff, "Haiti"),
    (0x0ba000, 0x0bafff, "Honduras"),
    (0x0bc000, 0x0bc7ff, "Saint Vincent and the Grenadines"),
    (0x0be000, 0x0befff, "Jamaica"),
    (0x0c0000, 0x0c0fff, "Nicaragua"),
    (0x0c2000, 0x0c2fff, "Panama"),
    (0x0c4000, 0x0c4fff, "Dominican Republic"),
    (0x0c6000, 0x0c6fff, "Trinidad and Tobago"),
    (0x0c8000, 0x0c8fff, "Suriname"),
    (0x0ca000, 0x0ca7ff, "Antigua and Barbuda"),
    (0x0cc000, 0x0cc7ff, "Grenada"),
    (0x0d0000, 0x0d7fff, "Mexico"),
    (0x0d8000, 0x0dffff, "Venezuela"),
    (0x100000, 0x1fffff, "Russian Federation"),
    (0x201000, 0x2017ff, "Namibia"),
    (0x202000, 0x2027ff, "Eritrea"),
    (0x300000, 0x33ffff, "Italy"),
    (0x340000, 0x37ffff, "Spain"),
    (0x380000, 0x3bffff, "France"),
    (0x3c0000, 0x3fffff, "Germany"),
    (0x400000, 0x43ffff, "United Kingdom"),
    (0x440000, 0x447fff, "Austria"),
    (0x448000, 0x44ffff, "Belgium"),
    (0x450000, 0x457fff, "Bulgaria"),
    (0x458000, 0x45ffff, "Denmark"),
    (0x460000, 0x467fff, "Finland"),
    (0x468000, 0x46ffff, "Greece"),
    (0x470000, 0x477fff, "Hungary"),
    (0x478000, 0x47ffff, "Norway"),
    (0x480000, 0x487fff, "Kingdom of the Netherlands"),
    (0x488000, 0x48ffff, "Poland"),
    (0x490000, 0x497fff, "Portugal"),
    (0x498000, 0x49ffff, "Czech Republic"),
    (0x4a0000, 0x4a7fff, "Romania"),
    (0x4a8000, 0x4affff, "Sweden"),
    (0x4b0000, 0x4b7fff, "Switzerland"),
    (0x4b8000, 0x4bffff, "Türkiye"),
    (0x4c0000, 0x4c7fff, "Serbia"),
    (0x4c8000, 0x4c87ff, "Cyprus"),
    (0x4ca000, 0x4cafff, "Ireland"),
    (0x4cc000, 0x4ccfff, "Iceland"),
    (0x4d0000, 0x4d07ff, "Luxembourg"),
    (0x4d2000, 0x4d27ff, "Malta"),
    (0x4d4000, 0x4d47ff, "Monaco"),
    (0x500000, 0x5007ff, "San Marino"),
    (0x501000, 0x5017ff, "Albania"),
    (0x501800, 0x501fff, "Croatia"),
    (0x502800, 0x502fff, "Latvia"),
    (0x503800, 0x503fff, "Lithuania"),
    (0x504800, 0x504fff, "Republic of Moldova"),
    (0x505800, 0x505fff, "Slovakia"),
    (0x506800, 0x506fff, "Slovenia"),
    (0x507800, 0x507fff, "Uzbekistan"),
    (0x508000, 0x50ffff, "Ukraine"),
    (0x510000, 0x5107ff, "Belarus"),
    (0x511000, 0x5117ff, "Estonia"),
    (0x512000, 0x5127ff, "North Macedonia"),
    (0x513000, 0x5137ff, "Bosnia and Herzegovina"),
    (0x514000, 0x5147ff, "Georgia"),
    (0x515000, 0x5157ff, "Tajikistan"),
    (0x516000, 0x5167ff, "Montenegro"),
    (0x600000, 0x6007ff, "Armenia"),
    (0x600800, 0x600fff, "Azerbaijan"),
    (0x601000, 0x6017ff, "Kyrgyzstan"),
    (0x601800, 0x601fff, "Turkmenistan"),
    (0x680000, 0x6807ff, "Bhutan"),
    (0x681000, 0x6817ff, "Federated States of Micronesia"),
    (0x682000, 0x6827ff, "Mongolia"),
    (0x683000, 0x6837ff, "Kazakhstan"),
    (0x684000, 0x6847ff, "Palau"),
    (0x700000, 0x700fff, "Afghanistan"),
    (0x702000, 0x702fff, "Bangladesh"),
    (0x704000, 0x704fff, "Myanmar"),
    (0x706000, 0x706fff, "Kuwait"),
    (0x708000, 0x708fff, "Laos"),
    (0x70a000, 0x70afff, "Nepal"),
    (0x70c000, 0x70c7ff, "Oman"),
    (0x70e000, 0x70efff, "Cambodia"),
    (0x710000, 0x717fff, "Saudi Arabia"),
    (0x718000, 0x71ffff, "Republic of Korea"),
    (0x720000, 0x727fff, "Democratic People's Republic of Korea"),
    (0x728000, 0x72ffff, "Iraq"),
    (0x730000, 0x737fff, "Islamic Republic of Iran"),
    (0x738000, 0x73ffff, "Israel"),
    (0x740000, 0x747fff, "Jordan"),
    (0x748000, 0x74ffff, "Lebanon"),
    (0x750000, 0x757fff, "Malaysia"),
    (0x758000, 0x75ffff, "Philippines"),
    (0x760000, 0x767fff, "Pakistan"),
    (0x768000, 0x76ffff, "Singapore"),
    (0x770000, 0x777fff, "Sri Lanka"),
    (0x778000, 0x77ffff, "Syrian Arab Republic"),
    (0x780000, 0x7bffff, "China"),
    (0x7c0000, 0x7fffff, "Australia"),
    (0x800000, 0x83ffff, "India"),
    (0x840000, 0x87ffff, "Japan"),
    (0x880000, 0x887fff, "Thailand"),
    (0x888000, 0x88ffff, "Viet Nam"),
    (0x890000, 0x890fff, "Yemen"),
    (0x894000, 0x894fff, "Bahrain"),
    (0x895000, 0x8957ff, "Brunei"),
    (0x896000, 0x896fff, "United Arab Emirates"),
    (0x897000, 0x8977ff, "Solomon Islands"),
    (0x898000, 0x898fff, "Papua New Guinea"),
    (0x899000, 0x8997ff, "Taiwan"),
    (0x8a0000, 0x8a7fff, "Indonesia"),
    (0x900000, 0x9007ff, "Marshall Islands"),
    (0x901000, 0x9017ff, "Cook Islands"),
    (0x902000, 0x9027ff, "Samoa"),
    (0xa00000, 0xafffff, "United States"),
    (0xc00000, 0xc3ffff, "Canada"),
    (0xc80000, 0xc87fff, "New Zealand"),
    (0xc88000, 0xc88fff, "Fiji"),
    (0xc8a000, 0xc8a7ff, "Nauru"),
    (0xc8c000, 0xc8c7ff, "Saint Lucia"),
    (0xc8d000, 0xc8d7ff, "Tonga"),
    (0xc8e000, 0xc8e7ff, "Kiribati"),
    (0xc90000, 0xc907ff, "Vanuatu"),
    (0xe00000, 0xe3ffff, "Argentina"),
    (0xe40000, 0xe7ffff, "Brazil"),
    (0xe80000, 0xe80fff, "Chile"),
    (0xe84000, 0xe84fff, "Ecuador"),
    (0xe88000, 0xe88fff, "Paraguay"),
    (0xe8c000, 0xe8cfff, "Peru"),
    (0xe90000, 0xe90fff, "Uruguay"),
    (0xe94000, 0xe94fff, "Bolivia"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn country(address: u32) -> Option<&'static str> {
        country_of(Icao24::from_u32(address))
    }

    #[test]
    fn the_country_follows_from_the_block() {
        for (address, expected) in [
            (0x00_8000, "South Africa"),
            (0x10_0000, "Russian Federation"),
            (0x1f_ffff, "Russian Federation"),
            (0x39_b415, "France"),
            (0x3c_6444, "Germany"),
            (0x40_621d, "United Kingdom"),
            (0x48_6257, "Kingdom of the Netherlands"),
            (0x4b_1814, "Switzerland"),
            (0x4c_a7b6, "Ireland"),
            (0x71_be42, "Republic of Korea"),
            (0x78_0000, "China"),
            (0x7c_6d38, "Australia"),
            (0x84_b75d, "Japan"),
            (0x89_6180, "United Arab Emirates"),
            (0x89_9010, "Taiwan"),
            (0xa0_0001, "United States"),
            (0xaf_ffff, "United States"),
            (0xc0_3812, "Canada"),
            (0xe4_0000, "Brazil"),
        ] {
            assert_eq!(country(address), Some(expected), "{address:06x}");
        }
    }

    #[test]
    fn an_address_outside_all_blocks_has_no_country() {
        for address in [0, 0x00_0001, 0x00_3fff, 0x00_4800, 0x2f_ffff, 0x50_0800, 0xb0_0000, 0xf0_0000, 0xff_ffff] {
            assert_eq!(country(address), None, "{address:06x}");
        }
    }

    #[test]
    fn countries_are_named_as_opensky_names_them() {
        let recorded = include_str!("../../../tests/data/opensky/extended-handpicked-2022-06-09-56.json");
        let recorded: serde_json::Value = serde_json::from_str(recorded).unwrap();
        for row in recorded["states"].as_array().unwrap() {
            let icao24 = Icao24::parse(row[0].as_str().unwrap()).unwrap();
            // OpenSky's database has this aircraft, with an address of Estonia, as Canadian.
            if icao24.to_u32() != 0x51_111d {
                assert_eq!(country_of(icao24), row[2].as_str(), "{icao24}");
            }
        }
    }

    #[test]
    fn blocks_are_ordered_and_do_not_overlap() {
        assert!(BLOCKS.iter().all(|(first, last, country)| first <= last && !country.is_empty()));
        assert!(BLOCKS.windows(2).all(|pair| pair[0].1 < pair[1].0));
    }
}

//! Countries of registration: address blocks from ICAO Annex 10 (volume III, chapter 9), names as OpenSky spells them.

/// A country of registration.
#[derive(Debug)]
pub(super) struct Country {
    /// ISO 3166 code.
    pub(super) code: &'static str,
    /// OpenSky's name for it.
    pub(super) name: &'static str,
    /// The first 24-bit address of its block.
    pub(super) block: u32,
    /// Number of addresses in the block, a power of two.
    pub(super) size: u32,
    /// Registration prefix of small aircraft; blank if the world has none from this country.
    pub(super) registration: &'static str,
    /// ICAO designators of its airlines, the busiest first.
    pub(super) airlines: &'static [&'static str],
}

impl Country {
    /// Returns the country with an ISO code, or the United States if the table does not have it.
    pub(super) fn of(code: &str) -> &'static Country {
        COUNTRIES.iter().find(|country| country.code == code).unwrap_or(&COUNTRIES[0])
    }
}

/// For gliders with a self-assigned FLARM address, for which OpenSky gives no country.
pub(super) const UNKNOWN: Country =
    Country { code: "", name: "", block: 0xdd_0000, size: 1 << 16, registration: "D", airlines: &[] };

const fn country(
    (code, name): (&'static str, &'static str),
    (block, bits): (u32, u32),
    registration: &'static str,
    airlines: &'static [&'static str],
) -> Country {
    Country { code, name, block, size: 1 << bits, registration, airlines }
}

/// All countries. The United States come first: their block is the largest, and serves as the overflow for the others.
#[rustfmt::skip]
pub(super) const COUNTRIES: &[Country] = &[
    country(("US", "United States"), (0xa0_0000, 20), "N", &["AAL", "SWA", "DAL", "UAL", "SKW", "RPA", "JBU", "ASA", "EDV", "ENY", "NKS", "FFT", "FDX", "UPS", "EJA"]),
    country(("CA", "Canada"), (0xc0_0000, 18), "CF", &["ACA", "WJA", "JZA", "POE", "TSC"]),
    country(("GB", "United Kingdom"), (0x40_0000, 18), "G", &["BAW", "EZY", "EXS", "VIR", "SHT", "LOG"]),
    country(("IE", "Ireland"), (0x4c_a000, 12), "", &["RYR", "EIN"]),
    country(("FR", "France"), (0x38_0000, 18), "FG", &["AFR", "TVF", "HOP", "FBU"]),
    country(("DE", "Germany"), (0x3c_0000, 18), "DE", &["DLH", "EWG", "CFG", "GEC"]),
    country(("NL", "Kingdom of the Netherlands"), (0x48_0000, 15), "PH", &["KLM", "TRA"]),
    country(("BE", "Belgium"), (0x44_8000, 15), "OO", &["BEL", "JAF"]),
    country(("LU", "Luxembourg"), (0x4d_0000, 10), "", &["LGL", "CLX"]),
    country(("AT", "Austria"), (0x44_0000, 15), "OE", &["AUA", "EJU"]),
    country(("CH", "Switzerland"), (0x4b_0000, 15), "HB", &["SWR", "EZS", "EDW"]),
    country(("ES", "Spain"), (0x34_0000, 18), "", &["VLG", "IBE", "AEA", "IBS", "ANE"]),
    country(("PT", "Portugal"), (0x49_0000, 15), "", &["TAP", "RZO"]),
    country(("IT", "Italy"), (0x30_0000, 18), "", &["ITY", "NOS"]),
    country(("MT", "Malta"), (0x4d_2000, 10), "", &["RYR", "KMM"]),
    country(("DK", "Denmark"), (0x45_8000, 15), "", &["SAS", "DTR"]),
    country(("SE", "Sweden"), (0x4a_8000, 15), "SE", &["SAS"]),
    country(("NO", "Norway"), (0x47_8000, 15), "", &["NOZ", "SAS", "WIF"]),
    country(("FI", "Finland"), (0x46_0000, 15), "", &["FIN"]),
    country(("IS", "Iceland"), (0x4c_c000, 12), "", &["ICE"]),
    country(("PL", "Poland"), (0x48_8000, 15), "", &["LOT", "ENT"]),
    country(("CZ", "Czech Republic"), (0x49_8000, 15), "OK", &["TVS"]),
    country(("HU", "Hungary"), (0x47_0000, 15), "", &["WZZ"]),
    country(("RO", "Romania"), (0x4a_0000, 15), "", &["ROT"]),
    country(("BG", "Bulgaria"), (0x45_0000, 15), "", &["LZB"]),
    country(("RS", "Serbia"), (0x4c_0000, 15), "", &["ASL"]),
    country(("HR", "Croatia"), (0x50_1c00, 10), "", &["CTN"]),
    country(("GR", "Greece"), (0x46_8000, 15), "", &["AEE", "OAL"]),
    country(("CY", "Cyprus"), (0x4c_8000, 10), "5B", &[]),
    country(("LV", "Latvia"), (0x50_2c00, 10), "", &["BTI"]),
    country(("LT", "Lithuania"), (0x50_3c00, 10), "LY", &[]),
    country(("EE", "Estonia"), (0x51_1000, 10), "", &["MYX"]),
    country(("UA", "Ukraine"), (0x50_8000, 15), "", &["AUI"]),
    country(("RU", "Russian Federation"), (0x10_0000, 20), "", &["AFL", "SBI", "SDM", "PBD", "SVR"]),
    country(("TR", "Türkiye"), (0x4b_8000, 15), "", &["THY", "PGT", "SXS"]),
    country(("IL", "Israel"), (0x73_8000, 15), "", &["ELY", "ISR", "AIZ"]),
    country(("MX", "Mexico"), (0x0d_0000, 15), "", &["VOI", "AMX", "VIV"]),
    country(("PA", "Panama"), (0x0c_2000, 12), "", &["CMP"]),
    country(("CR", "Costa Rica"), (0x0a_e000, 12), "", &["VOC"]),
    country(("CU", "Cuba"), (0x0b_0000, 12), "", &["CUB"]),
    country(("DO", "Dominican Republic"), (0x0c_4000, 12), "", &["DWI"]),
    country(("BR", "Brazil"), (0xe4_0000, 18), "", &["TAM", "AZU", "GLO"]),
    country(("AR", "Argentina"), (0xe0_0000, 18), "", &["ARG", "FBZ"]),
    country(("CL", "Chile"), (0xe8_0000, 12), "", &["LAN", "SKU"]),
    country(("PE", "Peru"), (0xe8_c000, 12), "", &["LPE"]),
    country(("CO", "Colombia"), (0x0a_c000, 12), "", &["AVA"]),
    country(("EC", "Ecuador"), (0xe8_4000, 12), "", &["LNE"]),
    country(("JP", "Japan"), (0x84_0000, 18), "", &["ANA", "JAL", "APJ", "SKY"]),
    country(("KR", "Republic of Korea"), (0x71_8000, 15), "", &["KAL", "AAR", "JJA", "JNA", "TWB"]),
    country(("CN", "China"), (0x78_0000, 18), "", &["CES", "CSN", "CCA", "CHH", "CSZ", "CXA", "CQH", "CSC"]),
    country(("HK", "China"), (0x78_0000, 18), "", &["CPA", "HKE", "CRK"]),
    country(("TW", "Taiwan"), (0x89_9000, 10), "", &["CAL", "EVA"]),
    country(("PH", "Philippines"), (0x75_8000, 15), "", &["CEB", "PAL"]),
    country(("SG", "Singapore"), (0x76_8000, 15), "", &["SIA", "TGW"]),
    country(("MY", "Malaysia"), (0x75_0000, 15), "", &["AXM", "MAS"]),
    country(("TH", "Thailand"), (0x88_0000, 15), "", &["THA", "AIQ", "BKP"]),
    country(("VN", "Viet Nam"), (0x88_8000, 15), "", &["HVN", "VJC"]),
    country(("ID", "Indonesia"), (0x8a_0000, 15), "", &["LNI", "GIA", "CTV", "AWQ"]),
    country(("IN", "India"), (0x80_0000, 18), "", &["IGO", "AIC", "SEJ", "AXB"]),
    country(("LK", "Sri Lanka"), (0x77_0000, 15), "", &["ALK"]),
    country(("BD", "Bangladesh"), (0x70_2000, 12), "", &["BBC"]),
    country(("NP", "Nepal"), (0x70_a000, 12), "", &["RNA"]),
    country(("PK", "Pakistan"), (0x76_0000, 15), "", &["PIA"]),
    country(("KZ", "Kazakhstan"), (0x68_3000, 10), "", &["KZR"]),
    country(("UZ", "Uzbekistan"), (0x50_7c00, 10), "", &["UZB"]),
    country(("AE", "United Arab Emirates"), (0x89_6000, 12), "", &["UAE", "FDB", "ETD", "ABY"]),
    country(("QA", "Qatar"), (0x06_a000, 10), "", &["QTR"]),
    country(("SA", "Saudi Arabia"), (0x71_0000, 15), "", &["SVA", "KNE", "FAD"]),
    country(("KW", "Kuwait"), (0x70_6000, 12), "", &["KAC", "JZR"]),
    country(("BH", "Bahrain"), (0x89_4000, 12), "", &["GFA"]),
    country(("OM", "Oman"), (0x70_c000, 10), "", &["OMA"]),
    country(("JO", "Jordan"), (0x74_0000, 15), "", &["RJA"]),
    country(("IR", "Islamic Republic of Iran"), (0x73_0000, 15), "", &["IRA", "IRM"]),
    country(("EG", "Egypt"), (0x01_0000, 15), "", &["MSR"]),
    country(("MA", "Morocco"), (0x02_0000, 15), "", &["RAM"]),
    country(("DZ", "Algeria"), (0x0a_0000, 15), "", &["DAH"]),
    country(("TN", "Tunisia"), (0x02_8000, 15), "", &["TAR"]),
    country(("ET", "Ethiopia"), (0x04_0000, 12), "", &["ETH"]),
    country(("KE", "Kenya"), (0x04_c000, 12), "", &["KQA"]),
    country(("NG", "Nigeria"), (0x06_4000, 12), "", &["APK"]),
    country(("CI", "Côte d'Ivoire"), (0x03_8000, 12), "", &["VRE"]),
    country(("GH", "Ghana"), (0x04_4000, 12), "", &["AFW"]),
    country(("SN", "Senegal"), (0x07_0000, 12), "", &["SZN"]),
    country(("ZA", "South Africa"), (0x00_8000, 15), "", &["SFR", "LNK", "SAA"]),
    country(("AU", "Australia"), (0x7c_0000, 18), "VH", &["QFA", "VOZ", "JST"]),
    country(("NZ", "New Zealand"), (0xc8_0000, 15), "ZK", &["ANZ"]),
];

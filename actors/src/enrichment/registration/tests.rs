use proptest::prelude::*;

use super::*;

/// Pairs of a register, some for each scheme.
const KNOWN: &[(u32, &str)] = &[
    (0x0b_0490, "CU-T1168"),
    (0x0b_06af, "CU-T1711"),
    (0x0b_06b0, "CU-T1712"),
    (0x14_0001, "RA-00001"),
    (0x15_51df, "RA-86495"),
    (0x15_7773, "RA-96115"),
    (0x38_0245, "F-BASF"),
    (0x38_3835, "F-BOBV"),
    (0x38_65d4, "F-BZOU"),
    (0x39_0001, "F-GAAB"),
    (0x39_49f9, "F-GSPZ"),
    (0x39_52a7, "F-GUVH"),
    (0x39_6700, "F-GZYA"),
    (0x39_8001, "F-HAAB"),
    (0x39_b415, "F-HNAV"),
    (0x39_c845, "F-HSCF"),
    (0x39_e699, "F-HZUZ"),
    (0x3a_088e, "F-OCEO"),
    (0x3a_65ae, "F-OZNO"),
    (0x3a_65f1, "F-OZPR"),
    (0x3c_00af, "D-APGS"),
    (0x3c_20ce, "D-BPHX"),
    (0x3c_308f, "D-BVHA"),
    (0x3c_6444, "D-AIBD"),
    (0x3c_650b, "D-AIHK"),
    (0x3c_7e85, "D-AOTE"),
    (0x3c_be73, "D-BOSS"),
    (0x3c_c000, "D-CAAA"),
    (0x3c_f4ea, "D-CUBA"),
    (0x3d_04a7, "D-CZZZ"),
    (0x3d_04a8, "D-EAAA"),
    (0x3d_0544, "D-EAGA"),
    (0x3d_494e, "D-EZZY"),
    (0x3d_4950, "D-FAAA"),
    (0x3d_7a5b, "D-FSOX"),
    (0x3d_8df7, "D-FZZZ"),
    (0x3d_8df8, "D-GAAA"),
    (0x3d_997d, "D-GEJL"),
    (0x3d_d255, "D-GZXD"),
    (0x3d_d2a4, "D-HAAE"),
    (0x3d_f1a0, "D-HLTG"),
    (0x3e_171e, "D-HZYK"),
    (0x3e_1748, "D-IAAA"),
    (0x3e_1f3e, "D-IDAK"),
    (0x3e_5bee, "D-IZZY"),
    (0x44_8423, "OO-AAC"),
    (0x44_8a43, "OO-BRC"),
    (0x44_eae6, "OO-ZWF"),
    (0x45_844a, "OY-ABJ"),
    (0x45_8d59, "OY-CJY"),
    (0x45_e930, "OY-ZIP"),
    (0x46_0024, "OH-ABK"),
    (0x46_3307, "OH-TIL"),
    (0x46_43c5, "OH-ZRH"),
    (0x46_8430, "SX-AAP"),
    (0x46_b8b5, "SX-NEU"),
    (0x46_dca2, "SX-WEB"),
    (0x49_0441, "CS-ABA"),
    (0x49_51c9, "CS-TNI"),
    (0x49_6077, "CS-XCW"),
    (0x4a_0441, "YR-ABA"),
    (0x4a_1a62, "YR-FSB"),
    (0x4a_6b41, "YR-ZZA"),
    (0x4b_8421, "TC-AAA"),
    (0x4b_8739, "TC-AYY"),
    (0x4b_eb2d, "TC-ZYM"),
    (0x71_ba00, "HL7200"),
    (0x71_c211, "HL8211"),
    (0x71_c299, "HL8299"),
    (0x74_0443, "JY-ABC"),
    (0x74_4828, "JY-RAH"),
    (0x74_4de2, "JY-SOB"),
    (0x76_070a, "AP-AXJ"),
    (0x76_09d7, "AP-BNW"),
    (0x76_684a, "AP-ZBJ"),
    (0x76_898c, "9V-BLL"),
    (0x76_cccb, "9V-SFK"),
    (0x76_e4cf, "9V-YFO"),
    (0x77_8564, "YK-AKD"),
    (0x77_cf32, "YK-SYR"),
    (0x7c_0000, "VH-AAA"),
    (0x7c_256f, "VH-HOH"),
    (0x7c_4920, "VH-OQA"),
    (0x7c_822d, "VH-ZZZ"),
    (0x84_002e, "JA001C"),
    (0x86_1ede, "JA614J"),
    (0x87_4aaf, "JA99MZ"),
    (0xa0_0001, "N1"),
    (0xa0_317e, "N111SD"),
    (0xa2_78e2, "N25890"),
    (0xa2_7dbc, "N26ME"),
    (0xa3_ec31, "N35191"),
    (0xa7_0096, "N550MZ"),
    (0xa8_35af, "N628TS"),
    (0xa9_d6d0, "N733GK"),
    (0xac_1db3, "N88YS"),
    (0xac_cb17, "N923UF"),
    (0xad_f7c7, "N99999"),
    (0xc0_0002, "C-FAAB"),
    (0xc0_2962, "C-FPRL"),
    (0xc0_44a8, "C-FZZZ"),
    (0xc0_44a9, "C-GAAA"),
    (0xc0_4df5, "C-GDNO"),
    (0xc0_8950, "C-GZZZ"),
    (0xe0_13c5, "LV-AOE"),
    (0xe0_b142, "LV-KEB"),
    (0xe1_a688, "LV-ZZH"),
];

fn registration(address: u32) -> Option<CompactString> {
    computed_registration(Icao24::from_u32(address))
}

#[test]
fn known_aircraft_have_their_registrations() {
    for (address, expected) in KNOWN {
        assert_eq!(registration(*address).as_deref(), Some(*expected), "{address:06x}");
    }
}

/// The list was recorded around Los Angeles, with the registrations of a register.
#[test]
fn the_aircraft_of_a_recorded_list_have_their_registrations() {
    let list = include_str!("../../../../tests/data/readsb/adsbexchange-v2-2022-06-21-462.json");
    let list: serde_json::Value = serde_json::from_str(list).unwrap();
    let mut compared = 0;
    for aircraft in list["ac"].as_array().unwrap() {
        let (Ok(icao24), Some(expected)) = (Icao24::parse(aircraft["hex"].as_str().unwrap()), aircraft["r"].as_str())
        else {
            continue;
        };
        if let Some(computed) = computed_registration(icao24) {
            compared += 1;
            assert_eq!(computed, expected, "{icao24}");
        }
    }
    assert!(compared > 300, "{compared}");
}

#[test]
fn addresses_of_other_countries_have_no_registration() {
    for address in [0x00_8011, 0x30_0000, 0x40_621d, 0x48_6257, 0x4b_1814, 0x71_baff, 0x78_0abc, 0xff_ffff] {
        assert_eq!(registration(address), None, "{address:06x}");
    }
}

#[test]
fn no_two_addresses_have_the_same_registration() {
    // The N-numbers have a test of their own.
    let covered =
        [0x0b..=0x0b, 0x14..=0x15, 0x38..=0x3e, 0x44..=0x4b, 0x71..=0x77, 0x7c..=0x7c, 0x84..=0x87, 0xc0..=0xe0];
    let addresses = covered.into_iter().flatten().flat_map(|block| block << 16..(block + 1) << 16);
    let mut seen: Vec<_> = addresses.filter_map(registration).collect();
    let count = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), count);
}

proptest! {
    #[test]
    fn a_registration_is_short_and_printable(address in 0_u32..1 << 24) {
        if let Some(text) = registration(address) {
            prop_assert!((2..=8).contains(&text.len()) && !text.is_heap_allocated(), "{}", text);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-'));
        }
    }
}

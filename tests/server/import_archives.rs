//! Imports of OpenSky's dumps and readsb's traces, from archives and folders.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::import::{on_each_database, summary_line, values};
use crate::support::now;

/// Returns a tar archive of these files.
fn tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive.append_data(&mut header, name, &**content).unwrap();
    }
    archive.into_inner().unwrap()
}

fn gzipped(text: &str) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

/// Returns an hour of OpenSky's state vectors: a row a second for each aircraft, also while it is not heard.
fn dump(time: i64, seconds: i64) -> String {
    let mut text = "time,icao24,lat,lon,velocity,heading,vertrate,callsign,onground,alert,spi,squawk,baroaltitude,\
                    geoaltitude,lastposupdate,lastcontact\n"
        .to_owned();
    for second in 0..seconds {
        let at = time + second;
        // Heard in every fifth second.
        let heard = time + second / 5 * 5;
        for address in ["3c6444", "4b1814"] {
            writeln!(
                text,
                "{at},{address},47.45,8.56,120.5,92.12,-3.25,SWR1    ,False,False,False,1000,3000.0,3100.5,{heard}.25,{heard}.75"
            )
            .unwrap();
        }
    }
    text
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn an_archive_of_dumps_is_imported_and_repeated_rows_are_stored_once() {
    let time = now() / 5 * 5 - 7_200;
    let whole = tar(&[
        ("README.txt", b"OpenSky Data Sample".to_vec()),
        ("states_00.csv.gz", gzipped(&dump(time, 60))),
        ("states_01.csv.gz", gzipped(&dump(time + 60, 60))),
    ]);
    on_each_database(|setup| {
        let path = setup.directory().join("states.csv.tar");
        // A part of the archive, as of an interrupted download.
        std::fs::write(&path, &whole[..whole.len() - 2_048]).unwrap();
        let import = setup.clone().arguments(["import", path.to_str().unwrap()]);
        let cut = import.run();
        assert_eq!(cut.code, Some(1));
        assert!(cut.last_line().contains("states_01.csv.gz: the archive ends within this file"), "{:?}", cut.log);
        std::fs::write(&path, &whole).unwrap();
        let complete = import.run();
        assert_eq!(complete.code, Some(0), "{:?}", complete.log);
        let line = summary_line(&complete.log);
        assert!(line.contains("too_old=0 bad=0 passed_over=0 repeated=192 skipped=0"), "{line}");
        assert_eq!(setup.database().rows().len(), 2 * 120 / 5);
        assert!(values(setup).iter().all(|(text, _)| text.ends_with("SWR1 47.45 false -")), "{:?}", values(setup));
        let again = import.run();
        let line = summary_line(&again.log);
        assert!(line.contains("inserted=0 duplicates=0") && line.contains("passed_over=240 repeated=0"), "{line}");
    });
}

#[test]
#[ignore = "needs Kafka and PostgreSQL: run it by `make test`"]
fn traces_are_imported_from_a_folder_and_from_an_archive() {
    let time = now() - 7_200;
    let trace = |address: &str| {
        format!(
            "{{\"icao\":\"{address}\",\n\"timestamp\": {time}.000,\n\"trace\":[ \n\
             [0.00,47.5,8.5,1000,100.0,90.0,1,0,{{\"flight\":\"SWR1    \",\"category\":\"A3\"}},\"adsb_icao\",null,null,null,null],\n\
             [0.70,47.5,8.5,1000,100.0,90.0,0,0,null,\"adsb_icao\",null,null,null,null],\n\
             [9.90,47.6,8.5,\"ground\",10.0,90.0,0,null,null,\"adsb_icao\",null,null,null,null] ]}}\n"
        )
    };
    // Compressed without a suffix, as readsb writes them.
    let files = ["4b1814", "~2f0a31", "3c6444"].map(|address| {
        let folder = &address[address.len() - 2..];
        (format!("traces/{folder}/trace_full_{address}.json"), gzipped(&trace(address)))
    });
    let expected = ["3c6444", "4b1814"].into_iter().flat_map(|address| {
        [(format!("{address} SWR1 47.5 false 4"), time), (format!("{address} SWR1 47.6 true 4"), time + 9)]
    });
    let expected: Vec<_> = expected.collect();
    on_each_database(|setup| {
        let folder = setup.directory().join("globe_history");
        for (name, content) in &files {
            std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
            std::fs::write(folder.join(name), content).unwrap();
        }
        std::fs::create_dir(folder.join("heatmap")).unwrap();
        std::fs::write(folder.join("heatmap/00.bin.ttf"), [0; 100]).unwrap();
        let import = setup.clone().arguments(["import", folder.to_str().unwrap()]).run();
        assert_eq!(import.code, Some(0), "{:?}", import.log);
        assert_eq!(values(setup), expected);
        assert!(import.log.iter().any(|line| line.contains("aircraft have no ICAO address")), "{:?}", import.log);

        let archive = files.each_ref().map(|(name, content)| (&**name, content.clone()));
        let path = setup.directory().join("planes.tar");
        std::fs::write(&path, tar(&archive)).unwrap();
        let import = setup.clone().arguments(["import", path.to_str().unwrap()]).run();
        assert_eq!(import.code, Some(0), "{:?}", import.log);
        let line = summary_line(&import.log);
        assert!(line.contains("inserted=0 duplicates=4 too_old=0 bad=0 passed_over=0 repeated=2 skipped=3"), "{line}");
        assert_eq!(values(setup), expected);
    });
}

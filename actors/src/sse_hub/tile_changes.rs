use std::collections::HashMap;

use super::encoder::{Change, TileUpdate};
use super::tile::Tile;

/// Groups changes by the watched tiles that they affect.
pub(super) fn group_by_tile(changes: &[Change], watched: &HashMap<Tile, usize>) -> HashMap<Tile, TileUpdate> {
    let mut updates: HashMap<Tile, TileUpdate> = HashMap::new();
    for (index, Change { before, after, .. }) in changes.iter().enumerate() {
        let (before, after) = (before.as_deref(), after.as_deref());
        let is_same = before.zip(after).is_some_and(|(before, after)| before.icao24 == after.icao24);
        for tile in before.into_iter().flat_map(Tile::of_state).filter(|tile| watched.contains_key(tile)) {
            let update = updates.entry(tile).or_default();
            let stayed = is_same && after.is_some_and(|after| tile.contains(after));
            if stayed { update.changed.push(index) } else { update.gone.push(index) }
        }
        for tile in after.into_iter().flat_map(Tile::of_state).filter(|tile| watched.contains_key(tile)) {
            if !(is_same && before.is_some_and(|before| tile.contains(before))) {
                updates.entry(tile).or_default().appeared.push(index);
            }
        }
    }
    updates
}

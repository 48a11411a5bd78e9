//! Glaciers, for now the mountains' land.
pub(super) fn paint(random: &mut crate::Random) -> crate::paint::canvas::Canvas {
    super::mountain::paint(random)
}

//! Tells the linker how Node finds the addon.

fn main() {
    napi_build::setup();
}

//! The entry point of a worker process, called by name once this library is loaded.

/// Serves the kernel on standard input until it goes away; ends the process.
// SAFETY: no other symbol of the process has this name.
#[unsafe(no_mangle)]
pub extern "C" fn cvstudy_worker() -> ! {
    rt::failure::speaks::<tch::TchError>();
    rt::failure::speaks::<image::ImageError>();
    rt::failure::speaks::<vision::VisionError>();
    rt::failure::speaks::<plot::PlotError>();
    rt::failure::speaks::<nets::NetError>();
    rt::failure::speaks::<data::DataError>();
    rt::failure::speaks::<train::TrainError>();
    widgets::serve();
    rt::worker::serve()
}

/// Does what `cvstudy data ...` asks, by this process's own arguments, and returns its exit status.
// SAFETY: no other symbol of the process has this name.
#[unsafe(no_mangle)]
pub extern "C" fn cvstudy_tool() -> i32 {
    data::cli(std::env::args().skip(2))
}

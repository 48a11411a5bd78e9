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
    widgets::serve();
    rt::worker::serve()
}

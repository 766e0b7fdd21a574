//! What a closed window leaves behind in a process that goes on for weeks, given back.

/// Gives back what is left of a window, once its event loop has ended.
pub(super) fn give_back() {
    #[cfg(target_os = "linux")]
    let_go_of_opengl();
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    trim();
}

/// Lets go of the OpenGL context that this thread still has. It is destroyed by then, but a context lives on while it is
/// current (`glXDestroyContext(3)`, and EGL 1.5, 3.7.3), with all textures and all that the driver has compiled for it.
#[cfg(target_os = "linux")]
#[expect(
    unsafe_code,
    reason = "the window's toolkit hands out neither the display nor the context"
)]
fn let_go_of_opengl() {
    use std::ffi::{CStr, c_int, c_ulong, c_void};
    use std::mem::transmute;
    use std::ptr::null_mut;

    type CurrentDisplay = unsafe extern "C" fn() -> *mut c_void;
    type GlxMakeContextCurrent =
        unsafe extern "C" fn(*mut c_void, c_ulong, c_ulong, *mut c_void) -> c_int;
    type EglMakeCurrent =
        unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void, *mut c_void) -> u32;

    /// A function of a library that this process has loaded already; null if there is none.
    fn find(library: &CStr, function: &CStr) -> *mut c_void {
        // SAFETY: both are strings that end in a zero, and `RTLD_NOLOAD` loads nothing, so that no code of the library runs.
        unsafe {
            let library = libc::dlopen(library.as_ptr(), libc::RTLD_LAZY | libc::RTLD_NOLOAD);
            if library.is_null() {
                null_mut()
            } else {
                libc::dlsym(library, function.as_ptr())
            }
        }
    }

    let glx = [c"glXGetCurrentDisplay", c"glXMakeContextCurrent"].map(|it| find(c"libGL.so.1", it));
    let egl = [c"eglGetCurrentDisplay", c"eglMakeCurrent"].map(|it| find(c"libEGL.so.1", it));
    let none = null_mut();
    for (is_glx, [display, make_current]) in [(true, glx), (false, egl)] {
        if display.is_null() || make_current.is_null() {
            continue;
        }
        // SAFETY: these are the functions' signatures (GL/glx.h, EGL/egl.h); the display is the current one of this thread, and no
        // drawable with no context is what both take for letting go.
        unsafe {
            let display = transmute::<*mut c_void, CurrentDisplay>(display)();
            if display.is_null() {
                continue;
            }
            if is_glx {
                transmute::<*mut c_void, GlxMakeContextCurrent>(make_current)(display, 0, 0, none);
            } else {
                transmute::<*mut c_void, EglMakeCurrent>(make_current)(display, none, none, none);
            }
        }
    }
}

/// Has glibc's allocator return what is free: it keeps it otherwise.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "glibc's own function, which Rust has no other way to"
)]
fn trim() {
    // SAFETY: it may be called at any time, from any thread.
    unsafe {
        libc::malloc_trim(0);
    }
}

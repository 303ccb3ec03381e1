//! SQLite upon [`Disk`]s instead of files: a VFS that writes down everything that changes them.
//!
//! It says of itself what SQLite's own VFS for Unix says: sectors of 4096 bytes, and that a write leaves its neighbours alone.
//! Locks and shared memory work between the connections of this process, and end with it, as those of the system do.
#![allow(unsafe_code, reason = "SQLite calls a VFS through C functions; each says what it relies on")]

use std::collections::{BTreeMap, HashMap};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use rusqlite::ffi;

use crate::disk::{Disk, Event, Node};

/// A disk in use, and what was asked of it.
#[derive(Debug, Default)]
pub(crate) struct Drive {
    pub(crate) disk: Disk,
    /// What changed it, and how many steps were acknowledged before.
    pub(crate) trace: Vec<(usize, Event)>,
    /// Steps that were acknowledged.
    pub(crate) acknowledged: usize,
    locks: BTreeMap<Node, Vec<(u64, c_int)>>,
    shared: BTreeMap<Node, Shared>,
    handles: u64,
}

/// The shared memory of a database.
#[derive(Debug, Default)]
struct Shared {
    users: usize,
    /// Boxes, since SQLite keeps their addresses.
    regions: Vec<Box<[u64]>>,
    /// For each slot who holds it, and whether alone.
    slots: [Vec<(u64, bool)>; ffi::SQLITE_SHM_NLOCK as usize],
}

type Shelf = Mutex<HashMap<String, Arc<Mutex<Drive>>>>;

/// The drives by the directory in which SQLite is told to look for them.
fn shelf() -> &'static Shelf {
    static SHELF: OnceLock<Shelf> = OnceLock::new();
    SHELF.get_or_init(Shelf::default)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From here on everything that SQLite opens below this directory is on this disk.
pub(crate) fn mount(dir: &str, disk: Disk) -> Arc<Mutex<Drive>> {
    register();
    let drive = Arc::new(Mutex::new(Drive { disk, ..Drive::default() }));
    lock(shelf()).insert(dir.to_owned(), drive.clone());
    drive
}

/// What is mounted there.
pub(crate) fn mounted(dir: &str) -> Arc<Mutex<Drive>> {
    lock(shelf())[dir].clone()
}

impl Drive {
    fn note(&mut self, event: Event) {
        self.disk.apply(&event);
        self.trace.push((self.acknowledged, event));
    }
}

/// An open file.
struct Handle {
    id: u64,
    drive: Arc<Mutex<Drive>>,
    node: Node,
    /// Whether its first sync syncs the directory too.
    names: bool,
    /// Whether it uses the shared memory.
    mapped: bool,
    /// Of a file that nobody else ever sees: it is not on the disk.
    scratch: Option<Vec<u8>>,
}

#[repr(C)]
struct Opened {
    base: ffi::sqlite3_file,
    handle: *mut Handle,
}

/// Makes it SQLite's default VFS, once.
fn register() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let vfs = Box::leak(Box::new(ffi::sqlite3_vfs {
            iVersion: 1,
            szOsFile: c_int::try_from(size_of::<Opened>()).unwrap(),
            mxPathname: 1024,
            pNext: std::ptr::null_mut(),
            zName: c"calsync-crash".as_ptr(),
            pAppData: std::ptr::null_mut(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: None,
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        }));
        // SAFETY: the structure is complete for its version and is never freed.
        let status = unsafe { ffi::sqlite3_vfs_register(vfs, 1) };
        assert_eq!(status, ffi::SQLITE_OK);
    });
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock_file),
    xUnlock: Some(unlock_file),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// The drive of a path, and the name of the file on it.
fn locate(path: &str) -> Option<(Arc<Mutex<Drive>>, String)> {
    let (dir, name) = path.rsplit_once('/')?;
    let drive = lock(shelf()).get(dir)?.clone();
    Some((drive, name.to_owned()))
}

/// SAFETY: SQLite gives a path that ends with a zero byte.
unsafe fn path(name: *const c_char) -> Option<String> {
    if name.is_null() {
        return None;
    }
    unsafe { CStr::from_ptr(name) }.to_str().ok().map(str::to_owned)
}

/// SAFETY: SQLite gives a file that `open` made, to one thread at a time.
unsafe fn handle<'h>(file: *mut ffi::sqlite3_file) -> &'h mut Handle {
    unsafe { &mut *(*file.cast::<Opened>()).handle }
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let opened = file.cast::<Opened>();
    // SAFETY: SQLite gives room for `szOsFile` bytes; without methods it does not call `close`.
    unsafe { (*opened).base.pMethods = std::ptr::null() };
    // SAFETY: see `path`.
    let place = unsafe { path(name) };
    let made = match place {
        None => Handle {
            id: 0,
            drive: Arc::default(),
            node: Node(0),
            names: false,
            mapped: false,
            scratch: Some(Vec::new()),
        },
        Some(place) => {
            let Some((drive, name)) = locate(&place) else { return ffi::SQLITE_CANTOPEN };
            let mut held = lock(&drive);
            held.handles += 1;
            let id = held.handles;
            let found = held.disk.find(&name);
            if found.is_none() && flags & ffi::SQLITE_OPEN_CREATE == 0 {
                return ffi::SQLITE_CANTOPEN;
            }
            let node = found.unwrap_or_else(|| {
                let node = held.disk.next_node();
                held.note(Event::Make { name, node });
                node
            });
            let log = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
            let names = found.is_none() && flags & log != 0;
            drop(held);
            Handle { id, drive, node, names, mapped: false, scratch: None }
        }
    };
    // SAFETY: as above; `close` takes the box back.
    unsafe {
        (*opened).handle = Box::into_raw(Box::new(made));
        (*opened).base.pMethods = &raw const METHODS;
        if !out_flags.is_null() {
            *out_flags = flags;
        }
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_vfs: *mut ffi::sqlite3_vfs, name: *const c_char, names: c_int) -> c_int {
    // SAFETY: see `path`.
    let Some((drive, name)) = unsafe { path(name) }.as_deref().and_then(locate) else {
        return ffi::SQLITE_IOERR_DELETE;
    };
    let mut drive = lock(&drive);
    if drive.disk.find(&name).is_none() {
        return ffi::SQLITE_IOERR_DELETE_NOENT;
    }
    drive.note(Event::Delete { name, names: names != 0 });
    ffi::SQLITE_OK
}

unsafe extern "C" fn access(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    result: *mut c_int,
) -> c_int {
    // SAFETY: see `path`.
    let place = unsafe { path(name) };
    let there = place
        .as_deref()
        .and_then(locate)
        .is_some_and(|(drive, name)| lock(&drive).disk.find(&name).is_some());
    // SAFETY: SQLite gives a place for the answer.
    unsafe { *result = c_int::from(there) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn full_pathname(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    out: *mut c_char,
) -> c_int {
    // SAFETY: SQLite gives a path that ends with a zero byte, and room for so many bytes.
    unsafe {
        let bytes = CStr::from_ptr(name).to_bytes_with_nul();
        if bytes.len() > usize::try_from(room).unwrap_or(0) {
            return ffi::SQLITE_CANTOPEN;
        }
        std::ptr::copy_nonoverlapping(bytes.as_ptr().cast(), out, bytes.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(_vfs: *mut ffi::sqlite3_vfs, count: c_int, out: *mut c_char) -> c_int {
    let mut dice = crate::dice::Dice::of(&[1]);
    for at in 0..usize::try_from(count).unwrap_or(0) {
        // SAFETY: SQLite gives room for so many bytes.
        unsafe { *out.add(at).cast::<u8>() = dice.bits().to_le_bytes()[0] };
    }
    count
}

unsafe extern "C" fn sleep(_vfs: *mut ffi::sqlite3_vfs, microseconds: c_int) -> c_int {
    std::thread::sleep(std::time::Duration::from_micros(u64::try_from(microseconds).unwrap_or(0)));
    microseconds
}

unsafe extern "C" fn current_time(_vfs: *mut ffi::sqlite3_vfs, out: *mut f64) -> c_int {
    // SAFETY: SQLite gives a place for the answer. No statement of the store asks for the time.
    unsafe { *out = 2_461_373.5 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_vfs: *mut ffi::sqlite3_vfs, _room: c_int, _out: *mut c_char) -> c_int {
    0
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: `open` made the box, and SQLite closes a file once.
    let mut handle = unsafe { Box::from_raw((*file.cast::<Opened>()).handle) };
    handle.unmap();
    let node = handle.node;
    let mut drive = lock(&handle.drive);
    if let Some(holders) = drive.locks.get_mut(&node) {
        holders.retain(|(id, _)| *id != handle.id);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    out: *mut c_void,
    count: c_int,
    from: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: see `handle`; SQLite gives room for so many bytes.
    let (handle, out) = unsafe {
        (handle(file), std::slice::from_raw_parts_mut(out.cast::<u8>(), usize::try_from(count).unwrap_or(0)))
    };
    let drive = lock(&handle.drive);
    let content = handle.scratch.as_deref().unwrap_or_else(|| drive.disk.read(handle.node));
    let start = usize::try_from(from).unwrap_or(usize::MAX).min(content.len());
    let there = out.len().min(content.len() - start);
    out[..there].copy_from_slice(&content[start..start + there]);
    out[there..].fill(0);
    if there == out.len() { ffi::SQLITE_OK } else { ffi::SQLITE_IOERR_SHORT_READ }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: see `handle`; SQLite gives so many bytes.
    let (handle, bytes) = unsafe {
        (handle(file), std::slice::from_raw_parts(from.cast::<u8>(), usize::try_from(count).unwrap_or(0)))
    };
    let Ok(at) = usize::try_from(at) else { return ffi::SQLITE_IOERR_WRITE };
    if let Some(scratch) = &mut handle.scratch {
        scratch.resize(scratch.len().max(at + bytes.len()), 0);
        scratch[at..at + bytes.len()].copy_from_slice(bytes);
    } else {
        lock(&handle.drive).note(Event::Write { node: handle.node, at, bytes: bytes.into() });
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: ffi::sqlite3_int64) -> c_int {
    // SAFETY: see `handle`.
    let handle = unsafe { handle(file) };
    let Ok(size) = usize::try_from(size) else { return ffi::SQLITE_IOERR_TRUNCATE };
    match &mut handle.scratch {
        Some(scratch) => scratch.resize(size, 0),
        None => lock(&handle.drive).note(Event::Truncate { node: handle.node, size }),
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: see `handle`.
    let handle = unsafe { handle(file) };
    if handle.scratch.is_none() {
        let names = std::mem::take(&mut handle.names);
        lock(&handle.drive).note(Event::Sync { node: handle.node, names });
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, out: *mut ffi::sqlite3_int64) -> c_int {
    // SAFETY: see `handle`; SQLite gives a place for the answer.
    let handle = unsafe { handle(file) };
    let drive = lock(&handle.drive);
    let content = handle.scratch.as_deref().unwrap_or_else(|| drive.disk.read(handle.node));
    unsafe { *out = ffi::sqlite3_int64::try_from(content.len()).unwrap() };
    ffi::SQLITE_OK
}

unsafe extern "C" fn lock_file(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: see `handle`.
    let handle = unsafe { handle(file) };
    let mut drive = lock(&handle.drive);
    let holders = drive.locks.entry(handle.node).or_default();
    let others =
        holders.iter().filter(|(id, _)| *id != handle.id).map(|(_, level)| *level).max().unwrap_or(0);
    let mine = holders.iter().find(|(id, _)| *id == handle.id).map_or(0, |(_, level)| *level);
    if mine >= level {
        return ffi::SQLITE_OK;
    }
    let (blocked, reached) = match level {
        ffi::SQLITE_LOCK_SHARED => (others >= ffi::SQLITE_LOCK_PENDING, level),
        ffi::SQLITE_LOCK_RESERVED => (others >= ffi::SQLITE_LOCK_RESERVED, level),
        // Who waits for the readers keeps new ones out.
        _ if others == ffi::SQLITE_LOCK_SHARED => (false, ffi::SQLITE_LOCK_PENDING),
        _ => (others > ffi::SQLITE_LOCK_SHARED, level),
    };
    if blocked {
        return ffi::SQLITE_BUSY;
    }
    holders.retain(|(id, _)| *id != handle.id);
    holders.push((handle.id, reached));
    if reached == level { ffi::SQLITE_OK } else { ffi::SQLITE_BUSY }
}

unsafe extern "C" fn unlock_file(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: see `handle`.
    let handle = unsafe { handle(file) };
    let mut drive = lock(&handle.drive);
    let holders = drive.locks.entry(handle.node).or_default();
    holders.retain(|(id, _)| *id != handle.id);
    if level > ffi::SQLITE_LOCK_NONE {
        holders.push((handle.id, level));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved(file: *mut ffi::sqlite3_file, out: *mut c_int) -> c_int {
    // SAFETY: see `handle`; SQLite gives a place for the answer.
    let handle = unsafe { handle(file) };
    let drive = lock(&handle.drive);
    let reserved = drive
        .locks
        .get(&handle.node)
        .is_some_and(|holders| holders.iter().any(|(_, level)| *level >= ffi::SQLITE_LOCK_RESERVED));
    unsafe { *out = c_int::from(reserved) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_file: *mut ffi::sqlite3_file, _op: c_int, _arg: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_file: *mut ffi::sqlite3_file) -> c_int {
    4096
}

unsafe extern "C" fn characteristics(_file: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    out: *mut *mut c_void,
) -> c_int {
    // SAFETY: see `handle`.
    let handle = unsafe { handle(file) };
    let mut drive = lock(&handle.drive);
    let shared = drive.shared.entry(handle.node).or_default();
    if !handle.mapped {
        handle.mapped = true;
        shared.users += 1;
    }
    let region = usize::try_from(region).unwrap_or(0);
    while extend != 0 && shared.regions.len() <= region {
        shared.regions.push(vec![0; usize::try_from(size).unwrap_or(0) / size_of::<u64>()].into());
    }
    let found = shared.regions.get_mut(region).map(|region| region.as_mut_ptr().cast());
    // SAFETY: SQLite gives a place for the answer. Nothing else reads or writes the region, and it lives until the last
    // connection has unmapped it.
    unsafe { *out = found.unwrap_or(std::ptr::null_mut()) };
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_lock(
    file: *mut ffi::sqlite3_file,
    offset: c_int,
    count: c_int,
    flags: c_int,
) -> c_int {
    // SAFETY: see `handle`.
    let handle = unsafe { handle(file) };
    let mut drive = lock(&handle.drive);
    let shared = drive.shared.entry(handle.node).or_default();
    let (from, count) = (usize::try_from(offset).unwrap_or(0), usize::try_from(count).unwrap_or(0));
    let slots = &mut shared.slots[from..from + count];
    let alone = flags & ffi::SQLITE_SHM_EXCLUSIVE != 0;
    if flags & ffi::SQLITE_SHM_UNLOCK != 0 {
        for slot in slots {
            slot.retain(|(id, _)| *id != handle.id);
        }
        return ffi::SQLITE_OK;
    }
    let taken = |slot: &Vec<(u64, bool)>| slot.iter().any(|(id, held)| *id != handle.id && (alone || *held));
    if slots.iter().any(taken) {
        return ffi::SQLITE_BUSY;
    }
    for slot in slots {
        slot.retain(|(id, _)| *id != handle.id);
        slot.push((handle.id, alone));
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn shm_barrier(_file: *mut ffi::sqlite3_file) {
    std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, _delete: c_int) -> c_int {
    // SAFETY: see `handle`.
    unsafe { handle(file) }.unmap();
    ffi::SQLITE_OK
}

impl Handle {
    fn unmap(&mut self) {
        if !std::mem::take(&mut self.mapped) {
            return;
        }
        let mut drive = lock(&self.drive);
        if let Some(shared) = drive.shared.get_mut(&self.node) {
            for slot in &mut shared.slots {
                slot.retain(|(id, _)| *id != self.id);
            }
            shared.users -= 1;
            // Whoever comes next begins with an empty one, as after the last process has gone.
            if shared.users == 0 {
                drive.shared.remove(&self.node);
            }
        }
    }
}

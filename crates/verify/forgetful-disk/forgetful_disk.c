/* A disk that forgets what was not fsynced: preloaded into a program, it makes `kill -9` as bad as a power cut.
 *
 * The page cache survives the process that filled it, so a program that never calls fsync loses nothing when it is
 * killed. This library notes, before a file under FORGETFUL_DISK_DIR is changed, what the change destroys: the old
 * bytes and the old length, in one undo log for each inode in FORGETFUL_DISK_UNDO. An fsync or fdatasync that succeeds
 * drops what was noted before it began. After the kill somebody else (src/forgetful_disk.rs) applies what is left, the
 * newest first.
 *
 * How it stays right:
 *   - An undo record is written before its change, so a kill between the two undoes nothing that matters.
 *   - A change and its record are made under the lock of the inode, so records are in the order of the changes.
 *   - fsync notes where the log ends under that lock, syncs without it, and drops only what was before that place.
 *   - A file is known by device and inode, asked of the descriptor each time. So dup, close, rename and descriptors that
 *     are used again need no care, and nothing is remembered of a descriptor that could be wrong.
 *   - Logs carry no process in their names: a program that starts again goes on with them.
 *
 * What would slip past is refused, and said on stderr: writable shared mappings, O_SYNC and RWF_DSYNC, O_TMPFILE,
 * copies inside the kernel (callers fall back to read and write), files moved in from outside.
 *
 * While the file FORGETFUL_DISK_LIE exists, fsync and fdatasync succeed and drop nothing: a program that acknowledges by
 * them is one that acknowledges too early.
 *
 * With FORGETFUL_DISK_HOLD, an fsync makes the file of that name and `-began`, and waits for the one with `-goes-on`.
 *
 * Deliberately absent: directories (an entry made, renamed or removed is durable at once), sync and syncfs (they count
 * for nothing), stdio, link, io_uring and system calls made without libc.
 *
 * What is wrapped here is called by its system call; everything else by libc, which never comes back through us.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* ---- the undo log: a header, then records; read by src/forgetful_disk.rs ---- */

#define LOG_MAGIC 0x3174656772306600ULL
#define RECORD_MAGIC 0x6f646e75U
#define CHUNK_BYTES 16384

struct log_header {
    uint64_t magic;
    uint64_t valid_from; /* records before this offset are durable */
};

struct record {
    uint32_t magic;
    uint32_t bytes; /* how many follow */
    uint64_t offset;
    uint64_t length; /* of the file, before the change */
};

struct inode {
    struct inode *next;
    dev_t dev;
    ino_t ino;
    pthread_mutex_t lock; /* for what follows */
    int log;              /* -1 while not open */
    uint64_t log_end;     /* 0: nothing to undo */
    uint64_t valid_from;
    uint64_t resets; /* how often the log began anew: an older end means nothing to it */
    int old;         /* to read what is about to be lost; -1 while not open */
};

/* ---- what it was told ---- */

static char dir[PATH_MAX], undo[PATH_MAX], lie[PATH_MAX], hold_began[PATH_MAX], hold_goes_on[PATH_MAX];
static size_t dir_length;
static long sync_ms;
static int active;

#define BUCKETS 4096
static struct inode *table[BUCKETS];
static pthread_mutex_t table_lock = PTHREAD_MUTEX_INITIALIZER;

static void say(const char *what, const char *about) {
    char line[PATH_MAX + 256];
    int length = snprintf(line, sizeof line, "forgetful disk: %s: %s\n", what, about);
    int before = errno;
    if (length > 0 && syscall(SYS_write, 2, line, (size_t)length) < 0) { /* nobody to tell */ }
    errno = before;
}

static void die(const char *what) {
    say(what, strerror(errno));
    abort();
}

__attribute__((constructor)) static void start(void) {
    const char *told_dir = getenv("FORGETFUL_DISK_DIR"), *told_undo = getenv("FORGETFUL_DISK_UNDO");
    const char *told_ms = getenv("FORGETFUL_DISK_SYNC_MS");
    if (!told_dir || !told_undo) return;
    if (told_dir[0] != '/' || told_undo[0] != '/' || strlen(told_dir) >= PATH_MAX || strlen(told_undo) >= PATH_MAX - 64) {
        errno = EINVAL;
        die("FORGETFUL_DISK_DIR and FORGETFUL_DISK_UNDO must be whole paths without links");
    }
    strcpy(dir, told_dir);
    strcpy(undo, told_undo);
    const char *told_lie = getenv("FORGETFUL_DISK_LIE");
    if (told_lie && strlen(told_lie) < sizeof lie) strcpy(lie, told_lie);
    const char *told_hold = getenv("FORGETFUL_DISK_HOLD");
    if (told_hold && strlen(told_hold) < PATH_MAX - 16) {
        strcat(strcpy(hold_began, told_hold), "-began");
        strcat(strcpy(hold_goes_on, told_hold), "-goes-on");
    }
    dir_length = strlen(dir);
    sync_ms = told_ms ? atol(told_ms) : 0;
    active = 1;
}

static int refuse(const char *what, const char *about, int error) {
    say(what, about);
    errno = error;
    return -1;
}

/* ---- which files are ours ---- */

static int is_under(int fd, char *path) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return strncmp(path, dir, dir_length) == 0 && (path[dir_length] == '/' || path[dir_length] == 0);
}

static void log_path(const struct inode *inode, char *path) {
    snprintf(path, PATH_MAX, "%s/%llx-%llx.undo", undo, (unsigned long long)inode->dev,
             (unsigned long long)inode->ino);
}

/* Opens the log that an earlier run of the program left, if there is one, and cuts off a record that was torn. */
static void log_resume(struct inode *inode) {
    char path[PATH_MAX];
    log_path(inode, path);
    inode->log = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
    if (inode->log < 0) return;
    struct stat stat;
    struct log_header header;
    if (fstat(inode->log, &stat) != 0) die("cannot read the undo log");
    uint64_t end = sizeof header;
    if (pread(inode->log, &header, sizeof header, 0) == (ssize_t)sizeof header && header.magic == LOG_MAGIC) {
        struct record record;
        while (pread(inode->log, &record, sizeof record, (off_t)end) == (ssize_t)sizeof record &&
               record.magic == RECORD_MAGIC && end + sizeof record + record.bytes <= (uint64_t)stat.st_size)
            end += sizeof record + record.bytes;
        inode->valid_from = header.valid_from;
    }
    inode->log_end = end > sizeof header ? end : 0;
    if (syscall(SYS_ftruncate, inode->log, inode->log_end) != 0) die("cannot cut the undo log");
}

static struct inode *find(dev_t dev, ino_t ino, int add) {
    struct inode **bucket = &table[(ino ^ dev) % BUCKETS];
    pthread_mutex_lock(&table_lock);
    struct inode *inode = *bucket;
    while (inode && (inode->dev != dev || inode->ino != ino)) inode = inode->next;
    if (!inode && add) {
        inode = calloc(1, sizeof *inode);
        if (!inode) die("no memory");
        *inode = (struct inode){.next = *bucket, .dev = dev, .ino = ino, .log = -1, .old = -1};
        pthread_mutex_init(&inode->lock, NULL);
        log_resume(inode);
        *bucket = inode;
    }
    pthread_mutex_unlock(&table_lock);
    return inode;
}

/* The inode behind a descriptor that was opened for writing under `dir`; NULL for every other. */
static struct inode *tracked(int fd) {
    struct stat stat;
    if (!active || fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode)) return NULL;
    return find(stat.st_dev, stat.st_ino, 0);
}

/* The inode has begun a new life, or its last name is gone: nothing noted of it counts. */
static void forget_inode(struct inode *inode) {
    char path[PATH_MAX];
    pthread_mutex_lock(&inode->lock);
    if (inode->log >= 0) close(inode->log);
    if (inode->old >= 0) close(inode->old);
    log_path(inode, path);
    syscall(SYS_unlinkat, AT_FDCWD, path, 0);
    inode->log = inode->old = -1;
    inode->log_end = inode->valid_from = 0;
    inode->resets++;
    pthread_mutex_unlock(&inode->lock);
}

/* The inode behind a descriptor, if its path is under `dir`, whether it was seen before or not. */
static struct inode *track(int fd, int created) {
    char path[PATH_MAX];
    struct stat stat;
    if (!active || fstat(fd, &stat) != 0 || !S_ISREG(stat.st_mode) || !is_under(fd, path)) return NULL;
    struct inode *inode = find(stat.st_dev, stat.st_ino, 1);
    if (created) forget_inode(inode);
    return inode;
}

/* ---- noting what a change destroys; all with the lock held ---- */

static uint64_t length_of(int fd) {
    struct stat stat;
    if (fstat(fd, &stat) != 0) die("cannot tell how long a file is");
    return (uint64_t)stat.st_size;
}

struct note {
    struct record record;
    char bytes[CHUNK_BYTES];
};

static void log_append(struct inode *inode, const struct note *note) {
    char path[PATH_MAX];
    if (inode->log < 0) {
        log_path(inode, path);
        inode->log = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (inode->log < 0) die("cannot open an undo log");
    }
    if (inode->log_end == 0) {
        struct log_header header = {.magic = LOG_MAGIC, .valid_from = sizeof header};
        if (syscall(SYS_pwrite64, inode->log, &header, sizeof header, 0) != sizeof header)
            die("cannot write the undo log");
        inode->log_end = inode->valid_from = sizeof header;
    }
    size_t size = sizeof note->record + note->record.bytes;
    if (syscall(SYS_pwrite64, inode->log, note, size, inode->log_end) != (long)size) die("cannot write the undo log");
    inode->log_end += size;
}

static void note_length(struct inode *inode, uint64_t length) {
    struct note note = {.record = {.magic = RECORD_MAGIC, .length = length}};
    log_append(inode, &note);
}

static int is_zero(const char *bytes, size_t count) {
    return count == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0);
}

/* Notes the bytes from `from` up to `to` and the file's length; zeros only if asked, for a longer file has them anyway. */
static void note_region(struct inode *inode, int fd, uint64_t from, uint64_t to, uint64_t length, int zeros) {
    struct note note = {.record = {.magic = RECORD_MAGIC, .length = length}};
    if (inode->old < 0) {
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        inode->old = syscall(SYS_openat, AT_FDCWD, link, O_RDONLY | O_CLOEXEC, 0);
        if (inode->old < 0) die("cannot read what is about to be overwritten");
    }
    while (from < to) {
        size_t wanted = to - from < CHUNK_BYTES ? to - from : CHUNK_BYTES;
        ssize_t got = pread(inode->old, note.bytes, wanted, (off_t)from);
        if (got < 0) die("cannot read what is about to be overwritten");
        if (got == 0) break;
        note.record.offset = from;
        note.record.bytes = (uint32_t)got;
        if (zeros || !is_zero(note.bytes, (size_t)got)) log_append(inode, &note);
        from += (uint64_t)got;
    }
}

static void before_write(struct inode *inode, int fd, uint64_t from, size_t count) {
    uint64_t length = length_of(fd), to = from + count;
    if (from >= length)
        note_length(inode, length);
    else
        note_region(inode, fd, from, to < length ? to : length, length, 1);
}

static uint64_t position(int fd) {
    if (fcntl(fd, F_GETFL) & O_APPEND) return length_of(fd);
    off_t at = lseek(fd, 0, SEEK_CUR);
    return at < 0 ? 0 : (uint64_t)at;
}

static uint64_t position_at(int fd, off_t at) {
    return fcntl(fd, F_GETFL) & O_APPEND ? length_of(fd) : (uint64_t)at; /* Linux appends even then */
}

static long unlock(struct inode *inode, long result) {
    int error = errno;
    pthread_mutex_unlock(&inode->lock);
    errno = error;
    return result;
}

/* ---- opening ---- */

static int open_raw(int at, const char *path, int flags, mode_t mode) {
    return (int)syscall(SYS_openat, at, path, flags, mode);
}

/* Opens a file that need not exist, and tells whether this call made it. */
static int open_or_create(int at, const char *path, int flags, mode_t mode, int *created) {
    for (int tries = 0; tries < 8; tries++) {
        int fd = open_raw(at, path, flags & ~O_CREAT, mode);
        if (fd >= 0 || errno != ENOENT) return fd;
        fd = open_raw(at, path, flags | O_EXCL, mode);
        *created = fd >= 0;
        if (fd >= 0 || errno != EEXIST) return fd;
    }
    return open_raw(at, path, flags, mode); /* a link to nowhere */
}

static int truncate_file(struct inode *inode, int fd, off_t to) {
    pthread_mutex_lock(&inode->lock);
    uint64_t length = length_of(fd);
    note_length(inode, length);
    if ((uint64_t)to < length) note_region(inode, fd, (uint64_t)to, length, length, 0);
    return (int)unlock(inode, syscall(SYS_ftruncate, fd, to));
}

static int close_and_refuse(int fd, const char *what, const char *path, int error) {
    close(fd);
    return refuse(what, path, error);
}

static int open_file(int at, const char *path, int flags, mode_t mode) {
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    if (!active || (flags & O_PATH) || (!writes && !(flags & O_CREAT))) return open_raw(at, path, flags, mode);

    char real[PATH_MAX];
    int created = (flags & O_CREAT) && (flags & O_EXCL);
    int plain = writes ? flags & ~O_TRUNC : flags; /* what O_TRUNC would cut off is noted first */
    int fd = (flags & O_CREAT) && !(flags & O_EXCL) ? open_or_create(at, path, plain, mode, &created)
                                                    : open_raw(at, path, plain, mode);
    if (fd < 0) return fd;
    if ((flags & O_TMPFILE) == O_TMPFILE && is_under(fd, real))
        return close_and_refuse(fd, "refused a file without a name", real, EOPNOTSUPP);
    if ((flags & O_DSYNC) && is_under(fd, real))
        return close_and_refuse(fd, "refused O_SYNC or O_DSYNC", real, EINVAL);

    struct inode *inode = track(fd, created);
    if (writes && (flags & O_TRUNC) && !created) {
        int cut = inode ? truncate_file(inode, fd, 0) : (int)syscall(SYS_ftruncate, fd, 0);
        if (cut != 0 && inode) return close_and_refuse(fd, "could not truncate", path, errno);
    }
    return fd;
}

#define MODE_OF(flags, mode)                                                                                           \
    mode_t mode = 0;                                                                                                   \
    if (((flags) & O_CREAT) || ((flags) & O_TMPFILE) == O_TMPFILE) {                                                   \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        mode = va_arg(list, mode_t);                                                                                   \
        va_end(list);                                                                                                  \
    }
#define ALSO(name, result, target, ...) result name(__VA_ARGS__) __attribute__((alias(#target)))

int open(const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return open_file(AT_FDCWD, path, flags, mode);
}
ALSO(open64, int, open, const char *, int, ...);

int openat(int at, const char *path, int flags, ...) {
    MODE_OF(flags, mode)
    return open_file(at, path, flags, mode);
}
ALSO(openat64, int, openat, int, const char *, int, ...);

int creat(const char *path, mode_t mode) { return open_file(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, mode); }
ALSO(creat64, int, creat, const char *, mode_t);

/* What `open` becomes in programs built with _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags) { return open_file(AT_FDCWD, path, flags, 0); }
ALSO(__open64_2, int, __open_2, const char *, int);
int __openat_2(int at, const char *path, int flags) { return open_file(at, path, flags, 0); }
ALSO(__openat64_2, int, __openat_2, int, const char *, int);

/* ---- writing ---- */

static size_t total(const struct iovec *vector, int count) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) bytes += vector[i].iov_len;
    return bytes;
}

ssize_t write(int fd, const void *bytes, size_t count) {
    struct inode *inode = tracked(fd);
    if (!inode) return syscall(SYS_write, fd, bytes, count);
    pthread_mutex_lock(&inode->lock);
    before_write(inode, fd, position(fd), count);
    return unlock(inode, syscall(SYS_write, fd, bytes, count));
}

ssize_t writev(int fd, const struct iovec *vector, int count) {
    struct inode *inode = tracked(fd);
    if (!inode) return syscall(SYS_writev, fd, vector, count);
    pthread_mutex_lock(&inode->lock);
    before_write(inode, fd, position(fd), total(vector, count));
    return unlock(inode, syscall(SYS_writev, fd, vector, count));
}

ssize_t pwrite(int fd, const void *bytes, size_t count, off_t at) {
    struct inode *inode = tracked(fd);
    if (!inode || at < 0) return syscall(SYS_pwrite64, fd, bytes, count, at);
    pthread_mutex_lock(&inode->lock);
    before_write(inode, fd, position_at(fd, at), count);
    return unlock(inode, syscall(SYS_pwrite64, fd, bytes, count, at));
}
ALSO(pwrite64, ssize_t, pwrite, int, const void *, size_t, off_t);

ssize_t pwritev2(int fd, const struct iovec *vector, int count, off_t at, int flags) {
    struct inode *inode = tracked(fd);
    if (!inode) return syscall(SYS_pwritev2, fd, vector, count, at, 0L, flags);
    if (flags & (RWF_DSYNC | RWF_SYNC)) return refuse("refused RWF_SYNC or RWF_DSYNC", "pwritev2", EOPNOTSUPP);
    pthread_mutex_lock(&inode->lock);
    uint64_t from = flags & RWF_APPEND ? length_of(fd) : at == -1 ? position(fd) : position_at(fd, at);
    before_write(inode, fd, from, total(vector, count));
    return unlock(inode, syscall(SYS_pwritev2, fd, vector, count, at, 0L, flags));
}
ALSO(pwritev64v2, ssize_t, pwritev2, int, const struct iovec *, int, off_t, int);

ssize_t pwritev(int fd, const struct iovec *vector, int count, off_t at) {
    struct inode *inode = tracked(fd);
    if (!inode || at < 0) return syscall(SYS_pwritev, fd, vector, count, at, 0L);
    return pwritev2(fd, vector, count, at, 0);
}
ALSO(pwritev64, ssize_t, pwritev, int, const struct iovec *, int, off_t);

int ftruncate(int fd, off_t to) {
    struct inode *inode = tracked(fd);
    return inode && to >= 0 ? truncate_file(inode, fd, to) : (int)syscall(SYS_ftruncate, fd, to);
}
ALSO(ftruncate64, int, ftruncate, int, off_t);

int truncate(const char *path, off_t to) {
    if (!active) return (int)syscall(SYS_truncate, path, to);
    int fd = open_file(AT_FDCWD, path, O_WRONLY | O_CLOEXEC, 0);
    if (fd < 0) return -1;
    int result = ftruncate(fd, to), error = errno;
    close(fd);
    errno = error;
    return result;
}
ALSO(truncate64, int, truncate, const char *, off_t);

int fallocate(int fd, int mode, off_t from, off_t count) {
    struct inode *inode = tracked(fd);
    if (!inode || from < 0 || count <= 0) return (int)syscall(SYS_fallocate, fd, mode, from, count);
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        return refuse("refused a fallocate that moves bytes", "fallocate", EOPNOTSUPP);
    pthread_mutex_lock(&inode->lock);
    if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
        before_write(inode, fd, (uint64_t)from, (size_t)count);
    else
        note_length(inode, length_of(fd));
    return (int)unlock(inode, syscall(SYS_fallocate, fd, mode, from, count));
}
ALSO(fallocate64, int, fallocate, int, int, off_t, off_t);

int posix_fallocate(int fd, off_t from, off_t count) {
    int before = errno;
    int error = fallocate(fd, 0, from, count) == 0 ? 0 : errno;
    errno = before;
    return error;
}
ALSO(posix_fallocate64, int, posix_fallocate, int, off_t, off_t);

/* ---- making it durable ---- */

/* Says that an fsync began, and waits until it may go on: for tests of what happens meanwhile. */
static void hold_sync(void) {
    if (!hold_began[0]) return;
    int fd = open_file(AT_FDCWD, hold_began, O_CREAT | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0) die("cannot say that an fsync began");
    close(fd);
    struct timespec time = {.tv_nsec = 1000000};
    while (access(hold_goes_on, F_OK) != 0) nanosleep(&time, NULL);
}

static int sync_file(int fd, long call) {
    struct inode *inode = track(fd, 0); /* one that was opened for reading only counts too */
    if (!inode) return (int)syscall(call, fd);

    pthread_mutex_lock(&inode->lock);
    uint64_t end = inode->log_end, resets = inode->resets;
    pthread_mutex_unlock(&inode->lock);

    hold_sync();
    if (sync_ms > 0) {
        struct timespec time = {.tv_sec = sync_ms / 1000, .tv_nsec = sync_ms % 1000 * 1000000};
        nanosleep(&time, NULL);
    }
    if (syscall(call, fd) != 0) return -1;

    int error = errno;
    if (lie[0] && access(lie, F_OK) == 0) end = 0;
    errno = error;
    pthread_mutex_lock(&inode->lock);
    if (end > 0 && resets == inode->resets) {
        if (inode->log_end == end) { /* nothing was written meanwhile */
            if (syscall(SYS_ftruncate, inode->log, 0) != 0) die("cannot clear an undo log");
            inode->log_end = inode->valid_from = 0;
            inode->resets++;
        } else if (end > inode->valid_from) {
            off_t place = offsetof(struct log_header, valid_from);
            if (syscall(SYS_pwrite64, inode->log, &end, sizeof end, place) != sizeof end)
                die("cannot write the undo log");
            inode->valid_from = end;
        }
    }
    pthread_mutex_unlock(&inode->lock);
    errno = error;
    return 0;
}

int fsync(int fd) { return sync_file(fd, SYS_fsync); }
int fdatasync(int fd) { return sync_file(fd, SYS_fdatasync); }

/* ---- names ---- */

/* The inode that loses its last name when `path` goes, if it is one of ours. */
static struct inode *last_name(int at, const char *path) {
    struct stat stat;
    if (!active || fstatat(at, path, &stat, AT_SYMLINK_NOFOLLOW) != 0) return NULL;
    return S_ISREG(stat.st_mode) && stat.st_nlink == 1 ? find(stat.st_dev, stat.st_ino, 0) : NULL;
}

/* Whether the folder that holds `path` is `dir` or lies under it. */
static int is_named_under(int at, const char *path) {
    char folder[PATH_MAX], real[PATH_MAX];
    size_t length = strlen(path);
    if (length >= PATH_MAX) return 0;
    strcpy(folder, path);
    while (length > 1 && folder[length - 1] == '/') folder[--length] = 0;
    char *slash = strrchr(folder, '/');
    if (slash) slash[1] = 0;
    int fd = open_raw(at, slash ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
    if (fd < 0) return 0;
    int under = is_under(fd, real);
    close(fd);
    return under;
}

static int rename_file(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    if (active && is_named_under(to_at, to) && !is_named_under(from_at, from))
        return refuse("refused a file moved in from outside", to, EXDEV);
    struct inode *replaced = flags & RENAME_EXCHANGE ? NULL : last_name(to_at, to);
    if (replaced && replaced == last_name(from_at, from)) replaced = NULL;
    int result = (int)(flags ? syscall(SYS_renameat2, from_at, from, to_at, to, flags)
                             : syscall(SYS_renameat2, from_at, from, to_at, to, 0));
    if (result == 0 && replaced) forget_inode(replaced);
    return result;
}

int rename(const char *from, const char *to) { return rename_file(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_at, const char *from, int to_at, const char *to) {
    return rename_file(from_at, from, to_at, to, 0);
}
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    return rename_file(from_at, from, to_at, to, flags);
}

int unlinkat(int at, const char *path, int flags) {
    struct inode *inode = flags & AT_REMOVEDIR ? NULL : last_name(at, path);
    int result = (int)syscall(SYS_unlinkat, at, path, flags);
    if (result == 0 && inode) forget_inode(inode);
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }

/* ---- what would slip past ---- */

ssize_t copy_file_range(int from, off_t *from_at, int to, off_t *to_at, size_t count, unsigned flags) {
    if (tracked(to)) {
        errno = EXDEV; /* callers fall back to read and write */
        return -1;
    }
    return syscall(SYS_copy_file_range, from, from_at, to, to_at, count, flags);
}

ssize_t sendfile(int to, int from, off_t *at, size_t count) {
    if (tracked(to)) {
        errno = EINVAL;
        return -1;
    }
    return syscall(SYS_sendfile, to, from, at, count);
}
ALSO(sendfile64, ssize_t, sendfile, int, int, off_t *, size_t);

ssize_t splice(int from, off_t *from_at, int to, off_t *to_at, size_t count, unsigned flags) {
    if (tracked(to)) {
        errno = EINVAL;
        return -1;
    }
    return syscall(SYS_splice, from, from_at, to, to_at, count, flags);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset) {
    int shared = (flags & MAP_TYPE) == MAP_SHARED || (flags & MAP_TYPE) == MAP_SHARED_VALIDATE;
    if (shared && (protection & PROT_WRITE) && !(flags & MAP_ANONYMOUS) && tracked(fd)) {
        char path[PATH_MAX];
        refuse("refused a writable shared mapping", is_under(fd, path) ? path : "mmap", ENODEV);
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
ALSO(mmap64, void *, mmap, void *, size_t, int, int, int, off_t);

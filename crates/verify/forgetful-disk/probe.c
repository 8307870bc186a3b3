/* Calls that the standard library of Rust does not make, for the tests of the forgetful disk. `probe FILE` changes FILE,
 * which holds 4,096 times 'a' that were fsynced, in every such way without fsync; says "ready"; and waits to be killed. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#define MUST(what)                                                                                                     \
    if (!(what)) {                                                                                                     \
        printf("failed: %s: %s\n", #what, strerror(errno));                                                            \
        return 1;                                                                                                      \
    }

int main(int count, char **arguments) {
    MUST(count == 2);
    int opened = open(arguments[1], O_RDWR);
    MUST(opened >= 0);
    int fd = dup(opened);
    MUST(fd >= 0 && close(opened) == 0);

    char bytes[] = "bbbb";
    struct iovec vector[] = {{bytes, 2}, {bytes, 2}};
    MUST(lseek(fd, 100, SEEK_SET) == 100);
    MUST(writev(fd, vector, 2) == 4);
    MUST(pwritev(fd, vector, 2, 200) == 4);
    MUST(pwritev2(fd, vector, 2, 300, 0) == 4);
    MUST(pwritev2(fd, vector, 2, 0, RWF_APPEND) == 4);
    MUST(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 100) == 0);
    MUST(fallocate(fd, 0, 0, 20000) == 0);
    MUST(posix_fallocate(fd, 0, 30000) == 0);
    MUST(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
    MUST(truncate(arguments[1], 50) == 0);

    /* What would slip past is refused. */
    MUST(mmap(NULL, 50, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == ENODEV);
    MUST(mmap(NULL, 50, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0) != MAP_FAILED);
    MUST(open(arguments[1], O_WRONLY | O_SYNC) < 0 && errno == EINVAL);
    MUST(open(".", O_TMPFILE | O_RDWR, 0600) < 0 && errno == EOPNOTSUPP);
    MUST(pwritev2(fd, vector, 2, 0, RWF_DSYNC) < 0 && errno == EOPNOTSUPP);
    int other = open(arguments[1], O_RDONLY);
    MUST(sendfile(fd, other, NULL, 10) < 0 && errno == EINVAL);
    MUST(copy_file_range(other, NULL, fd, NULL, 10, 0) < 0 && errno == EXDEV);
    MUST(rename("/proc/self/status", arguments[1]) < 0 && errno == EXDEV);

    printf("ready\n");
    fflush(stdout);
    pause();
    return 0;
}

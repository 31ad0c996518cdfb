/* SPDX-License-Identifier: BSD-2-Clause */
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int record_begin(struct record *r, const char *name, const char *image)
{
	snprintf(r->name, sizeof(r->name), "%s", name);
	if (mkdir(RECORD_FOLDER, 0755) && errno != EEXIST)
		return -1;
	r->folder = open(RECORD_FOLDER, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->folder < 0)
		return -1;
	/* what a server left that was killed has another one's lock no more */
	unlinkat(r->folder, name, 0);
	r->file = openat(r->folder, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC,
			 0644);
	if (r->file >= 0 && flock(r->file, LOCK_EX) == 0 &&
	    dprintf(r->file, "%s\n", image) >= 0)
		return 0;
	close(r->folder);
	return -1;
}

void record_end(struct record *r, const char *fault)
{
	if (fault)
		dprintf(r->file, "%s\n", fault);
	else
		unlinkat(r->folder, r->name, 0);
	close(r->file);
	close(r->folder);
}

int record_open(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), RECORD_FOLDER "/%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* the second line, if there is one */
static void read_fault(int file, char *fault, size_t size)
{
	char text[4096 + 512];
	ssize_t n = pread(file, text, sizeof(text) - 1, 0);
	char *line;

	text[n > 0 ? n : 0] = '\0';
	line = strchr(text, '\n');
	if (line && line[1]) {
		line[1 + strcspn(line + 1, "\n")] = '\0';
		snprintf(fault, size, "%s", line + 1);
	} else {
		snprintf(fault, size, "its server was killed");
	}
}

bool record_is_served(int file)
{
	if (flock(file, LOCK_EX | LOCK_NB))
		return true;
	flock(file, LOCK_UN);
	return false;
}

bool record_wait(int file, char *fault, size_t size)
{
	struct stat st;
	bool well;

	while (flock(file, LOCK_EX) && errno == EINTR)
		continue;
	well = fstat(file, &st) == 0 && st.st_nlink == 0;
	if (!well)
		read_fault(file, fault, size);
	close(file);
	return well;
}

int record_each(int (*found)(const char *name))
{
	DIR *dir = opendir(RECORD_FOLDER);
	struct dirent *e;
	int rc = 0;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.' && found(e->d_name))
			rc = -1;
	if (dir)
		closedir(dir);
	return rc;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What main.c does, as a C++11 program does it; the image is a file of the
 * program's own making, so that a table of functions is filled in C++ too.
 */
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <libvhd.h>

namespace
{

const std::uint64_t size = std::uint64_t(16) << 20;

void check(int rc, const vhd_diag &diag)
{
	if (rc != VHD_OK)
		throw std::runtime_error(std::string(vhd_strerror(rc)) + ": " +
					 diag.text);
}

struct Close {
	void operator()(vhd_disk *disk) const
	{
		vhd_disk_close(disk);
	}
	void operator()(vhd_file *file) const
	{
		vhd_file_close(file);
	}
};

using Disk = std::unique_ptr<vhd_disk, Close>;

/* counts what passes through to the real file */
class Counter
{
      public:
	explicit Counter(const std::string &path)
	{
		vhd_diag diag{};

		check(vhd_file_open(path.c_str(), VHD_FILE_WRITE, &inner,
				    &diag),
		      diag);
	}
	~Counter()
	{
		vhd_file_close(inner);
	}
	Counter(const Counter &) = delete;
	Counter &operator=(const Counter &) = delete;

	static const vhd_file_ops *ops();
	unsigned reads = 0, writes = 0;

      private:
	static int read_at(void *ctx, std::uint64_t offset, void *buf,
			   std::size_t len)
	{
		auto self = static_cast<Counter *>(ctx);

		self->reads++;
		return vhd_file_read(self->inner, offset, buf, len);
	}
	static int write_at(void *ctx, std::uint64_t offset, const void *buf,
			    std::size_t len)
	{
		auto self = static_cast<Counter *>(ctx);

		self->writes++;
		return vhd_file_write(self->inner, offset, buf, len);
	}
	static int get_size(void *ctx, std::uint64_t *bytes)
	{
		return vhd_file_size(static_cast<Counter *>(ctx)->inner, bytes);
	}
	static int flush(void *ctx)
	{
		return vhd_file_flush(static_cast<Counter *>(ctx)->inner);
	}
	static int resize(void *ctx, std::uint64_t bytes)
	{
		return vhd_file_resize(static_cast<Counter *>(ctx)->inner,
				       bytes);
	}

	vhd_file *inner = nullptr;
};

const vhd_file_ops *Counter::ops()
{
	static const vhd_file_ops table = [] {
		vhd_file_ops ops{};

		ops.size = sizeof(ops);
		ops.read_at = read_at;
		ops.write_at = write_at;
		ops.get_size = get_size;
		ops.flush = flush;
		ops.resize = resize;
		return ops;
	}();
	return &table;
}

void create(const std::string &path)
{
	vhd_create_options options{};
	vhd_diag diag{};

	options.size = sizeof(options);
	options.format = VHD_FORMAT_VHDX;
	options.virtual_size = size;
	check(vhd_create(path.c_str(), &options, &diag), diag);
}

Disk open(Counter &counter)
{
	vhd_disk_options options{};
	vhd_diag diag{};
	vhd_file *file;
	vhd_disk *disk;
	int rc;

	options.size = sizeof(options);
	options.format = VHD_FORMAT_VHDX;
	options.flags = VHD_DISK_WRITE;
	check(vhd_file_new(Counter::ops(), &counter, &file), diag);
	rc = vhd_disk_open_file(file, "counted", &options, &disk, &diag);
	if (rc != VHD_OK)
		vhd_file_close(file);
	check(rc, diag);
	return Disk(disk);
}

void fill(vhd_disk *disk)
{
	std::vector<char> sector(512, 'x');
	vhd_diag diag{};

	check(vhd_disk_write(disk, size / 2, sector.data(), sector.size(),
			     &diag),
	      diag);
	check(vhd_disk_flush(disk, &diag), diag);
}

void show(vhd_disk *disk)
{
	vhd_diag diag{};
	vhd_digest digest{};
	vhd_extent extent{};
	char text[5] = "";
	int rc;

	check(vhd_disk_read(disk, size / 2, text, 4, &diag), diag);
	check(vhd_disk_extent(disk, 0, size, &extent, &diag), diag);
	digest.algorithm = "sha256";
	rc = vhd_hash(disk, &digest, 1, nullptr, &diag);
	if (rc != VHD_E_UNSUPPORTED)
		check(rc, diag);
	std::printf("%s %u %s\n", text, unsigned(extent.kind), digest.hex);
}

void run(const std::string &path)
{
	create(path);
	Counter counter(path);
	Disk disk = open(counter);
	vhd_diag diag{};

	fill(disk.get());
	show(disk.get());
	check(vhd_disk_shut(disk.get(), &diag), diag);
	if (counter.reads == 0 || counter.writes == 0)
		throw std::runtime_error("the file was gone around");
}

} /* namespace */

int main(int argc, char **argv)
{
	int rc = 0;

	if (argc != 2 || std::strcmp(vhd_version(), VHD_VERSION_STRING) != 0)
		return 2;
	const std::string path = std::string(argv[1]) + "/consumer.vhdx";
	try {
		run(path);
	} catch (const std::exception &error) {
		std::fprintf(stderr, "%s\n", error.what());
		rc = 1;
	}
	std::remove(path.c_str());
	return rc;
}

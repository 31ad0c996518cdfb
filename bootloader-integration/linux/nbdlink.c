/* SPDX-License-Identifier: BSD-2-Clause */
#include "nbdlink.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MESSAGE_SIZE 4096

/* the kernel's macros for these mix signs */
#define HEAD      sizeof(struct nlmsghdr)
#define GENL_HEAD sizeof(struct genlmsghdr)
#define ATTR_HEAD sizeof(struct nlattr)

static size_t align(size_t length)
{
	return (length + 3) & ~(size_t)3;
}

/* A message in the making or a received one; headers need the alignment. */
struct message {
	_Alignas(8) unsigned char bytes[MESSAGE_SIZE];
	size_t length;
};

/* -- building ----------------------------------------------------------------
 */

static void begin(struct message *m, uint16_t family, uint8_t command)
{
	const struct genlmsghdr head = {.cmd = command, .version = 1};
	const struct nlmsghdr outer = {
		.nlmsg_type = family,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
	};

	memset(m->bytes, 0, sizeof(m->bytes));
	memcpy(m->bytes, &outer, sizeof(outer));
	memcpy(m->bytes + HEAD, &head, sizeof(head));
	m->length = HEAD + GENL_HEAD;
}

/* room is no question: what is put here is small and bounded */
static void put(struct message *m, uint16_t type, const void *value,
		size_t length)
{
	const struct nlattr head = {
		.nla_len = (uint16_t)(ATTR_HEAD + length),
		.nla_type = type,
	};

	memcpy(m->bytes + m->length, &head, sizeof(head));
	memcpy(m->bytes + m->length + ATTR_HEAD, value, length);
	m->length += align(ATTR_HEAD + length);
}

static void put_u32(struct message *m, uint16_t type, uint32_t value)
{
	put(m, type, &value, sizeof(value));
}

static void put_u64(struct message *m, uint16_t type, uint64_t value)
{
	put(m, type, &value, sizeof(value));
}

static size_t begin_nest(struct message *m, uint16_t type)
{
	size_t at = m->length;

	put(m, type | NLA_F_NESTED, NULL, 0);
	return at;
}

static void end_nest(struct message *m, size_t at)
{
	struct nlattr head;

	memcpy(&head, m->bytes + at, sizeof(head));
	head.nla_len = (uint16_t)(m->length - at);
	memcpy(m->bytes + at, &head, sizeof(head));
}

/* -- asking ------------------------------------------------------------------
 */

static int open_link(void)
{
	return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
}

static int send_message(int fd, struct message *m)
{
	const struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	const uint32_t length = (uint32_t)m->length;

	memcpy(m->bytes + offsetof(struct nlmsghdr, nlmsg_len), &length,
	       sizeof(length));
	if (sendto(fd, m->bytes, m->length, 0, (const struct sockaddr *)&kernel,
		   sizeof(kernel)) < 0)
		return -errno;
	return 0;
}

/* The value of an attribute of a reply, if it is there and has that size. */
static bool find(const unsigned char *at, size_t length, uint16_t type,
		 void *value, size_t size)
{
	struct nlattr head;

	while (length >= ATTR_HEAD) {
		memcpy(&head, at, sizeof(head));
		if (head.nla_len < ATTR_HEAD || head.nla_len > length)
			return false;
		if ((head.nla_type & NLA_TYPE_MASK) == type &&
		    head.nla_len == ATTR_HEAD + size) {
			memcpy(value, at + ATTR_HEAD, size);
			return true;
		}
		if (align(head.nla_len) >= length)
			return false;
		length -= align(head.nla_len);
		at += align(head.nla_len);
	}
	return false;
}

/* One message of what came: 1 if it ended the answer, with *rc. */
static bool take_part(const unsigned char *at, const struct nlmsghdr *head,
		      uint16_t type, void *value, size_t size, int *rc)
{
	struct nlmsgerr error;

	if (head->nlmsg_type == NLMSG_ERROR &&
	    head->nlmsg_len >= HEAD + sizeof(error)) {
		memcpy(&error, at + HEAD, sizeof(error));
		*rc = error.error;
		return true;
	}
	if (size && head->nlmsg_len > HEAD + GENL_HEAD)
		find(at + HEAD + GENL_HEAD, head->nlmsg_len - HEAD - GENL_HEAD,
		     type, value, size);
	return false;
}

/* Until the acknowledgement: 0 or -errno; fills `value` on the way. */
static int receive(int fd, uint16_t type, void *value, size_t size)
{
	struct message m;
	int rc = 0;

	for (;;) {
		const unsigned char *at = m.bytes;
		ssize_t n = recv(fd, m.bytes, sizeof(m.bytes), 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		while ((size_t)n >= HEAD) {
			struct nlmsghdr head;

			memcpy(&head, at, sizeof(head));
			if (head.nlmsg_len < HEAD || head.nlmsg_len > (size_t)n)
				return -EIO;
			if (take_part(at, &head, type, value, size, &rc))
				return rc;
			at += align(head.nlmsg_len);
			n -= (ssize_t)align(head.nlmsg_len);
		}
	}
}

static int ask(int fd, struct message *m, uint16_t type, void *value,
	       size_t size)
{
	int rc = send_message(fd, m);

	return rc ? rc : receive(fd, type, value, size);
}

static int find_family(int fd, uint16_t *family)
{
	struct message m;

	*family = 0;
	begin(&m, GENL_ID_CTRL, CTRL_CMD_GETFAMILY);
	put(&m, CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME,
	    sizeof(NBD_GENL_FAMILY_NAME));
	return ask(fd, &m, CTRL_ATTR_FAMILY_ID, family, sizeof(*family));
}

/* -- the two commands --------------------------------------------------------
 */

static void put_socket(struct message *m, int fd)
{
	size_t list = begin_nest(m, NBD_ATTR_SOCKETS);
	size_t item = begin_nest(m, NBD_SOCK_ITEM);

	put_u32(m, NBD_SOCK_FD, (uint32_t)fd);
	end_nest(m, item);
	end_nest(m, list);
}

static int connect_on(int fd, const struct nbd_request_device *r)
{
	uint16_t family;
	uint32_t index = UINT32_MAX;
	struct message m;
	int rc = find_family(fd, &family);

	if (rc)
		return rc;
	begin(&m, family, NBD_CMD_CONNECT);
	put_u64(&m, NBD_ATTR_SIZE_BYTES, r->size);
	put_u64(&m, NBD_ATTR_BLOCK_SIZE_BYTES, r->block_size);
	put_u64(&m, NBD_ATTR_SERVER_FLAGS, r->flags);
	put_socket(&m, r->socket);
	rc = ask(fd, &m, NBD_ATTR_INDEX, &index, sizeof(index));
	if (rc)
		return rc;
	return index > INT32_MAX ? -EIO : (int)index;
}

int nbdlink_connect(const struct nbd_request_device *request)
{
	int fd = open_link();
	int rc;

	if (fd < 0)
		return -errno;
	rc = connect_on(fd, request);
	close(fd);
	return rc;
}

static int disconnect_on(int fd, unsigned index)
{
	uint16_t family;
	struct message m;
	int rc = find_family(fd, &family);

	if (rc)
		return rc;
	begin(&m, family, NBD_CMD_DISCONNECT);
	put_u32(&m, NBD_ATTR_INDEX, index);
	return ask(fd, &m, 0, NULL, 0);
}

int nbdlink_disconnect(unsigned index)
{
	int fd = open_link();
	int rc;

	if (fd < 0)
		return -errno;
	rc = disconnect_on(fd, index);
	close(fd);
	return rc;
}

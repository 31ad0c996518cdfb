/* SPDX-License-Identifier: BSD-2-Clause */
#include "hasher.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "core/diag.h"

static int unsupported(struct vhd_diag *diag, const char *text)
{
	return vhd_fail(diag, VHD_E_UNSUPPORTED, NULL, VHD_NO_OFFSET, text);
}

#ifdef VHD_CRYPTO_LIBRARY
#	include <dlfcn.h>
#	include <openssl/evp.h>

_Static_assert(EVP_MAX_MD_SIZE <= VHD_HASH_BYTES_MAX, "room for any hash");

struct vhd_hasher {
	void *library;
	EVP_MD_CTX *ctx;
	/* EVP_... */
	__typeof__(EVP_get_digestbyname) *find;
	__typeof__(EVP_MD_CTX_new) *ctx_new;
	__typeof__(EVP_MD_CTX_free) *ctx_free;
	__typeof__(EVP_DigestInit_ex) *init;
	__typeof__(EVP_DigestUpdate) *update;
	__typeof__(EVP_DigestFinal_ex) *final;
};

/* `function` is a pointer to a pointer to a function */
static bool look_up(const struct vhd_hasher *h, const char *name,
		    void *function)
{
	void *address = dlsym(h->library, name);

	memcpy(function, &address, sizeof(address));
	return address;
}

static bool load(struct vhd_hasher *h)
{
	h->library = dlopen(VHD_CRYPTO_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	return h->library && look_up(h, "EVP_get_digestbyname", &h->find) &&
	       look_up(h, "EVP_MD_CTX_new", &h->ctx_new) &&
	       look_up(h, "EVP_MD_CTX_free", &h->ctx_free) &&
	       look_up(h, "EVP_DigestInit_ex", &h->init) &&
	       look_up(h, "EVP_DigestUpdate", &h->update) &&
	       look_up(h, "EVP_DigestFinal_ex", &h->final);
}

static int begin(struct vhd_hasher *h, const char *algorithm,
		 struct vhd_diag *diag)
{
	const EVP_MD *md;

	if (!load(h))
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				"the hashes of " VHD_CRYPTO_LIBRARY
				" cannot be loaded");
	md = h->find(algorithm);
	if (!md && !h->find("sha256")) /* nothing is known: not set up */
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				"the hashes of " VHD_CRYPTO_LIBRARY
				" cannot be set up");
	if (!md)
		return unsupported(diag, "unknown hash algorithm");
	h->ctx = h->ctx_new();
	/* its name is known: that it cannot be had is no mistake of the
	 * caller's, and may be a lack of memory */
	if (!h->ctx || !h->init(h->ctx, md, NULL))
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				"the hash algorithm is not available");
	return 0;
}

int vhd_hasher_new(const char *algorithm, struct vhd_hasher **out,
		   struct vhd_diag *diag)
{
	struct vhd_hasher *h = calloc(1, sizeof(*h));
	int rc;

	if (!h)
		return vhd_fail(diag, VHD_E_NOMEM, NULL, VHD_NO_OFFSET,
				vhd_strerror(VHD_E_NOMEM));
	rc = begin(h, algorithm, diag);
	if (rc)
		vhd_hasher_free(h);
	else
		*out = h;
	return rc;
}

void vhd_hasher_free(struct vhd_hasher *h)
{
	if (!h)
		return;
	if (h->ctx)
		h->ctx_free(h->ctx);
	if (h->library)
		dlclose(h->library);
	free(h);
}

int vhd_hasher_update(struct vhd_hasher *h, const void *buf, size_t len)
{
	return h->update(h->ctx, buf, len) ? 0 : VHD_E_NOMEM;
}

int vhd_hasher_finish(struct vhd_hasher *h, uint8_t bytes[VHD_HASH_BYTES_MAX],
		      unsigned *len)
{
	return h->final(h->ctx, bytes, len) ? 0 : VHD_E_NOMEM;
}
#else
int vhd_hasher_new(const char *algorithm, struct vhd_hasher **out,
		   struct vhd_diag *diag)
{
	(void)algorithm;
	(void)out;
	return unsupported(diag, "this build has no hashes (OpenSSL)");
}

void vhd_hasher_free(struct vhd_hasher *h)
{
	(void)h;
}

int vhd_hasher_update(struct vhd_hasher *h, const void *buf, size_t len)
{
	(void)h;
	(void)buf;
	(void)len;
	return VHD_E_UNSUPPORTED;
}

int vhd_hasher_finish(struct vhd_hasher *h, uint8_t bytes[VHD_HASH_BYTES_MAX],
		      unsigned *len)
{
	(void)h;
	(void)bytes;
	(void)len;
	return VHD_E_UNSUPPORTED;
}
#endif

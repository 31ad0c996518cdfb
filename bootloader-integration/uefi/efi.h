/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * As much of UEFI as is used here, after the UEFI specification 2.10. What is
 * not called is a void pointer that keeps its place.
 */
#ifndef VHDBOOT_EFI_H
#define VHDBOOT_EFI_H

#include <libvhd/types.h>

typedef void *efi_handle;
typedef void *efi_event;
typedef size_t efi_status;
typedef uint16_t efi_char; /* UTF-16 */

#define EFI_ERROR_BIT          ((size_t)1 << (sizeof(size_t) * 8 - 1))
#define EFI_SUCCESS            ((size_t)0)
#define EFI_LOAD_ERROR         (EFI_ERROR_BIT | 1)
#define EFI_INVALID_PARAMETER  (EFI_ERROR_BIT | 2)
#define EFI_UNSUPPORTED        (EFI_ERROR_BIT | 3)
#define EFI_BAD_BUFFER_SIZE    (EFI_ERROR_BIT | 4)
#define EFI_BUFFER_TOO_SMALL   (EFI_ERROR_BIT | 5)
#define EFI_NOT_READY          (EFI_ERROR_BIT | 6)
#define EFI_DEVICE_ERROR       (EFI_ERROR_BIT | 7)
#define EFI_WRITE_PROTECTED    (EFI_ERROR_BIT | 8)
#define EFI_OUT_OF_RESOURCES   (EFI_ERROR_BIT | 9)
#define EFI_MEDIA_CHANGED      (EFI_ERROR_BIT | 13)
#define EFI_NOT_FOUND          (EFI_ERROR_BIT | 14)
#define EFI_ACCESS_DENIED      (EFI_ERROR_BIT | 15)
#define EFI_ALREADY_STARTED    (EFI_ERROR_BIT | 20)
#define EFI_ABORTED            (EFI_ERROR_BIT | 21)
#define EFI_SECURITY_VIOLATION (EFI_ERROR_BIT | 26)

#define EFI_TPL_APPLICATION 4
#define EFI_TPL_CALLBACK    8

#define EFI_EVENT_TIMER    0x80000000u
#define EFI_TIMER_CANCEL   0
#define EFI_TIMER_PERIODIC 1
#define EFI_SECOND         ((uint64_t)10000000) /* 100 ns each */

#define EFI_LOADER_DATA        2
#define EFI_BOOT_SERVICES_DATA 4
#define EFI_LOCATE_BY_PROTOCOL 2
#define EFI_LOCATE_ALL         0

#define EFI_VARIABLE_BOOTSERVICE 2u
#define EFI_VARIABLE_RUNTIME     4u

#define EFI_SCAN_UP   1
#define EFI_SCAN_DOWN 2
#define EFI_SCAN_ESC  0x17

struct efi_table_header {
	uint64_t signature;
	uint32_t revision;
	uint32_t size;
	uint32_t crc32;
	uint32_t reserved;
};

struct efi_key {
	uint16_t scan;
	efi_char unicode;
};

struct efi_text_input {
	void *reset;
	efi_status (*read_key)(struct efi_text_input *in, struct efi_key *key);
	efi_event key_event;
};

struct efi_text_output {
	void *reset;
	efi_status (*output)(struct efi_text_output *out, const efi_char *text);
	void *test;
	void *query_mode;
	void *set_mode;
	void *set_attribute;
	efi_status (*clear)(struct efi_text_output *out);
	void *set_cursor;
	void *enable_cursor;
	void *mode;
};

struct efi_boot_services {
	struct efi_table_header header;
	size_t (*raise_tpl)(size_t tpl);
	void (*restore_tpl)(size_t tpl);
	void *allocate_pages;
	void *free_pages;
	void *get_memory_map;
	efi_status (*allocate_pool)(int type, size_t bytes, void **out);
	efi_status (*free_pool)(void *memory);
	efi_status (*create_event)(uint32_t type, size_t tpl, void *notify,
				   void *ctx, efi_event *out);
	efi_status (*set_timer)(efi_event event, int kind, uint64_t time);
	efi_status (*wait_for_event)(size_t count, efi_event *events,
				     size_t *index);
	void *signal_event;
	efi_status (*close_event)(efi_event event);
	void *check_event;
	void *install_protocol;
	void *reinstall_protocol;
	void *uninstall_protocol;
	efi_status (*handle_protocol)(efi_handle handle,
				      const struct vhd_guid *guid, void **out);
	void *reserved;
	void *register_protocol_notify;
	void *locate_handle;
	efi_status (*locate_device_path)(const struct vhd_guid *guid,
					 const void **path, efi_handle *out);
	void *install_configuration_table;
	efi_status (*load_image)(uint8_t boot_policy, efi_handle parent,
				 const void *path, const void *source,
				 size_t size, efi_handle *out);
	efi_status (*start_image)(efi_handle image, size_t *exit_size,
				  efi_char **exit_data);
	void *exit;
	efi_status (*unload_image)(efi_handle image);
	void *exit_boot_services;
	void *get_next_monotonic_count;
	void *stall;
	efi_status (*set_watchdog)(size_t seconds, uint64_t code, size_t size,
				   const efi_char *data);
	efi_status (*connect)(efi_handle controller, efi_handle *drivers,
			      const void *path, uint8_t recursive);
	efi_status (*disconnect)(efi_handle controller, efi_handle driver,
				 efi_handle child);
	void *open_protocol;
	void *close_protocol;
	void *open_protocol_information;
	void *protocols_per_handle;
	efi_status (*locate_handles)(int kind, const struct vhd_guid *guid,
				     const void *key, size_t *count,
				     efi_handle **out);
	void *locate_protocol;
	efi_status (*install)(efi_handle *handle, ...);
	efi_status (*uninstall)(efi_handle handle, ...);
	efi_status (*crc32)(const void *data, size_t size, uint32_t *out);
	void *copy_memory;
	void *set_memory;
	void *create_event_ex;
};

struct efi_runtime_services {
	struct efi_table_header header;
	void *time[4];
	void *set_virtual_address_map;
	void *convert_pointer;
	efi_status (*get_variable)(const efi_char *name,
				   const struct vhd_guid *vendor,
				   uint32_t *attributes, size_t *size,
				   void *data);
	void *get_next_variable_name;
	efi_status (*set_variable)(const efi_char *name,
				   const struct vhd_guid *vendor,
				   uint32_t attributes, size_t size,
				   const void *data);
	void *get_next_high_monotonic_count;
	void *reset_system;
};

struct efi_system_table {
	struct efi_table_header header;
	efi_char *vendor;
	uint32_t revision;
	efi_handle in_handle;
	struct efi_text_input *in;
	efi_handle out_handle;
	struct efi_text_output *out;
	efi_handle error_handle;
	struct efi_text_output *error;
	struct efi_runtime_services *runtime;
	struct efi_boot_services *boot;
	size_t table_count;
	void *tables;
};

struct efi_loaded_image {
	uint32_t revision;
	efi_handle parent;
	struct efi_system_table *system;
	efi_handle device;
	void *file; /* device path */
	void *reserved;
	uint32_t options_size;
	void *options;
	void *base;
	uint64_t size;
	int code_type;
	int data_type;
	efi_status (*unload)(efi_handle image);
};

struct efi_block_media {
	uint32_t id;
	uint8_t removable;
	uint8_t present;
	uint8_t logical_partition;
	uint8_t read_only;
	uint8_t write_caching;
	uint32_t block_size;
	uint32_t io_align;
	uint64_t last_block;
};

struct efi_block_io {
	uint64_t revision;
	struct efi_block_media *media;
	efi_status (*reset)(struct efi_block_io *io, uint8_t extended);
	efi_status (*read)(struct efi_block_io *io, uint32_t media,
			   uint64_t block, size_t bytes, void *buf);
	efi_status (*write)(struct efi_block_io *io, uint32_t media,
			    uint64_t block, size_t bytes, void *buf);
	efi_status (*flush)(struct efi_block_io *io);
};

_Static_assert(sizeof(struct efi_table_header) == 24, "layout");
_Static_assert(sizeof(struct efi_block_media) == 32, "layout");

#define EFI_BLOCK_IO_REVISION 0x00010000u

extern const struct vhd_guid efi_block_io_guid;
extern const struct vhd_guid efi_device_path_guid;
extern const struct vhd_guid efi_loaded_image_guid;
extern const struct vhd_guid efi_file_system_guid;
extern const struct vhd_guid efi_partition_info_guid;

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
#include "svg.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diag.h"
#include "escape.h"
#include "format.h"
#include "memory.h"
#include "size.h"

/* All bars together have at most this many rectangles. */
#define RECTANGLES_MAX 1800
#define COLUMNS_MAX    600

/* Layers below this one share its colour and its bar. */
#define LAYERS_MAX 8

/* The drawing, in user units. */
#define MARGIN     40
#define BAR_WIDTH  1000
#define BAR_HEIGHT 44
#define ROW_HEIGHT 112
#define TOP        96
#define TICKS      4

#define SHADES 4

static const char *const colours[LAYERS_MAX] = {
	"#2f6fb0", "#e0862b", "#3f9a5f", "#b3426a",
	"#7659a8", "#2a9fb0", "#a08a1f", "#7d5a45",
};

struct column {
	uint64_t bytes[LAYERS_MAX];
};

struct bar {
	uint64_t size; /* bytes the bar stands for */
	uint64_t step; /* bytes a column stands for */
	struct column *columns;
	size_t count;
};

struct svg {
	struct vhd_disk *disk;
	const char *path;
	unsigned layers; /* shown, at most LAYERS_MAX */
	uint64_t stored[LAYERS_MAX];
	struct bar virtual_bar;
	struct bar file_bars[LAYERS_MAX];
};

static void bar_init(struct bar *bar, uint64_t size, size_t columns)
{
	bar->size = size ? size : 1;
	bar->step = bar->size / columns + (bar->size % columns != 0);
	bar->count =
		(size_t)(bar->size / bar->step + (bar->size % bar->step != 0));
	bar->columns = tool_zalloc(bar->count * sizeof(*bar->columns));
}

/* Spreads a run over the columns it touches. */
static void bar_add(struct bar *bar, uint64_t start, uint64_t length,
		    unsigned layer)
{
	while (length > 0 && start < bar->size) {
		uint64_t left = bar->step - start % bar->step;
		uint64_t n = length < left ? length : left;

		bar->columns[start / bar->step].bytes[layer] += n;
		start += n;
		length -= n;
	}
}

struct svg *svg_new(struct vhd_disk *disk, const char *path)
{
	struct svg *svg = tool_zalloc(sizeof(*svg));
	unsigned layers = vhd_disk_layers(disk);
	size_t columns;

	svg->disk = disk;
	svg->path = path;
	svg->layers = layers < LAYERS_MAX ? layers : LAYERS_MAX;
	columns = RECTANGLES_MAX / (svg->layers + 1);
	if (columns > COLUMNS_MAX)
		columns = COLUMNS_MAX;
	bar_init(&svg->virtual_bar, vhd_disk_size(disk), columns);
	for (unsigned i = 0; i < svg->layers; i++) {
		struct vhd_image_info info;

		vhd_image_get_info(vhd_disk_image(disk, i), &info);
		bar_init(&svg->file_bars[i], info.file_size, columns);
	}
	return svg;
}

void svg_free(struct svg *svg)
{
	free(svg->virtual_bar.columns);
	for (unsigned i = 0; i < svg->layers; i++)
		free(svg->file_bars[i].columns);
	free(svg);
}

void svg_add(struct svg *svg, const struct vhd_extent *extent)
{
	unsigned layer = extent->depth;

	if (extent->kind != VHD_EXTENT_DATA)
		return;
	if (layer >= svg->layers)
		layer = svg->layers - 1;
	svg->stored[layer] += extent->length;
	bar_add(&svg->virtual_bar, extent->start, extent->length, layer);
	/* offsets of layers that are not shown belong to other files */
	if (extent->depth == layer)
		bar_add(&svg->file_bars[layer], extent->offset, extent->length,
			layer);
}

static void put_text(FILE *out, const char *text)
{
	char *safe = escape(text);

	for (const char *p = safe; *p; p++) {
		switch (*p) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		default:
			fputc(*p, out);
		}
	}
	free(safe);
}

static void put_label(FILE *out, double x, double y, const char *class,
		      const char *format, ...) DIAG_FORMAT(5);

static void put_label(FILE *out, double x, double y, const char *class,
		      const char *format, ...)
{
	char text[512];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	put_text(out, text);
	fputs("</text>\n", out);
}

/* What a column looks like: layer and shade, 0 for empty. */
static unsigned column_look(const struct bar *bar, size_t index)
{
	const struct column *column = &bar->columns[index];
	uint64_t begin = index * bar->step, width = bar->size - begin;
	uint64_t most = 0, sum = 0;
	unsigned layer = 0, shade;

	width = width < bar->step ? width : bar->step;
	for (unsigned i = 0; i < LAYERS_MAX; i++) {
		sum += column->bytes[i];
		if (column->bytes[i] > most) {
			most = column->bytes[i];
			layer = i;
		}
	}
	if (sum == 0)
		return 0;
	shade = (unsigned)((double)sum / (double)width * SHADES + 0.5);
	shade = shade < 1 ? 1 : shade > SHADES ? SHADES : shade;
	return layer * (SHADES + 1) + shade;
}

static void put_run(FILE *out, const struct bar *bar, size_t from, size_t to,
		    unsigned look, double y)
{
	double scale = (double)BAR_WIDTH / (double)bar->size;
	double x = (double)from * (double)bar->step * scale;
	double end = (double)to * (double)bar->step * scale;
	unsigned shade = look % (SHADES + 1);

	end = end > BAR_WIDTH ? BAR_WIDTH : end;
	fprintf(out,
		"<rect x=\"%.2f\" y=\"%.0f\" width=\"%.2f\" height=\"%d\" "
		"fill=\"%s\" fill-opacity=\"%.2f\"/>\n",
		MARGIN + x, y, end - x, BAR_HEIGHT,
		colours[look / (SHADES + 1)],
		0.4 + 0.6 * (shade - 1) / (SHADES - 1));
}

static void put_columns(FILE *out, const struct bar *bar, double y)
{
	size_t from = 0;
	unsigned look = column_look(bar, 0);

	for (size_t i = 1; i <= bar->count; i++) {
		unsigned next = i < bar->count ? column_look(bar, i) : 0;

		if (i < bar->count && next == look)
			continue;
		if (look)
			put_run(out, bar, from, i, look, y);
		from = i;
		look = next;
	}
}

static void put_ticks(FILE *out, uint64_t size, double y)
{
	static const char *const anchors[] = {"tick", "tick mid", "tick end"};

	for (int i = 0; i <= TICKS; i++) {
		uint64_t at = size / TICKS * (uint64_t)i;
		double x = MARGIN + (double)BAR_WIDTH * i / TICKS;
		char text[SIZE_TEXT_SIZE];

		at = i == TICKS ? size : at;
		fprintf(out, "<path d=\"M%.1f %.1fv5\" class=\"axis\"/>\n", x,
			y);
		put_label(out, x, y + 18,
			  anchors[i == 0       ? 0
				  : i == TICKS ? 2
					       : 1],
			  "%s", at ? size_text(at, text) : "0");
	}
}

static void put_bar(FILE *out, const struct bar *bar, double y,
		    const char *class)
{
	fprintf(out,
		"<rect x=\"%d\" y=\"%.0f\" width=\"%d\" height=\"%d\" "
		"class=\"%s\"/>\n",
		MARGIN, y, BAR_WIDTH, BAR_HEIGHT, class);
	put_columns(out, bar, y);
	fprintf(out,
		"<rect x=\"%d\" y=\"%.0f\" width=\"%d\" height=\"%d\" "
		"class=\"frame\"/>\n",
		MARGIN, y, BAR_WIDTH, BAR_HEIGHT);
	put_ticks(out, bar->size, y + BAR_HEIGHT);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static const char *layer_path(const struct svg *svg, unsigned layer)
{
	const char *path = vhd_disk_path(svg->disk, layer);

	return layer == 0 || !*path ? svg->path : path;
}

static void put_bars(FILE *out, const struct svg *svg)
{
	double y = TOP;
	char text[SIZE_TEXT_SIZE];

	put_label(out, MARGIN, y - 10, "head", "Virtual disk, %s",
		  size_text(svg->virtual_bar.size, text));
	put_bar(out, &svg->virtual_bar, y, "zero");
	for (unsigned i = 0; i < svg->layers; i++) {
		const struct bar *bar = &svg->file_bars[i];

		y += ROW_HEIGHT;
		put_label(out, MARGIN, y - 10, "head",
			  "File of layer %u, %s, "
			  "%s",
			  i, base_name(layer_path(svg, i)),
			  size_text(bar->size, text));
		put_bar(out, bar, y, "other");
	}
}

static void put_key(FILE *out, double y, const char *fill, const char *text)
{
	fprintf(out,
		"<rect x=\"%d\" y=\"%.0f\" width=\"16\" height=\"16\" "
		"rx=\"2\" fill=\"%s\" stroke=\"#aeb6bf\"/>\n",
		MARGIN, y, fill);
	put_label(out, MARGIN + 26, y + 13, "key", "%s", text);
}

static void put_legend(FILE *out, const struct svg *svg, double y)
{
	unsigned total = vhd_disk_layers(svg->disk);

	for (unsigned i = 0; i < svg->layers; i++, y += 24) {
		char text[400], size[SIZE_TEXT_SIZE];

		snprintf(text, sizeof(text), "layer %u%s: %.200s, %s shown", i,
			 i + 1 == svg->layers && total > svg->layers
				 ? " and below"
				 : "",
			 base_name(layer_path(svg, i)),
			 size_text(svg->stored[i], size));
		put_key(out, y, colours[i], text);
	}
	put_key(out, y, "#f4f6f8", "reads as zeros, not stored");
	put_key(out, y + 24, "#d5dae0",
		"file: metadata, unused space, or data hidden by a layer "
		"above");
	put_label(out, MARGIN, y + 66, "tick",
		  "A pale column is only partly filled.");
}

static void put_head(FILE *out, const struct svg *svg, int height)
{
	struct vhd_image_info info;

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" "
		"height=\"%d\" viewBox=\"0 0 %d %d\">\n"
		"<style>text{font-family:sans-serif;fill:#24292f}"
		".title{font-size:20px;font-weight:bold}"
		".head{font-size:14px;font-weight:bold}.key{font-size:14px}"
		".tick{font-size:12px;fill:#57606a}.mid{text-anchor:middle}"
		".end{text-anchor:end}.axis{stroke:#8c959f}"
		".zero{fill:#f4f6f8}.other{fill:#d5dae0}"
		".frame{fill:none;stroke:#8c959f}</style>\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
		2 * MARGIN + BAR_WIDTH, height, 2 * MARGIN + BAR_WIDTH, height);
	vhd_image_get_info(vhd_disk_image(svg->disk, 0), &info);
	put_label(out, MARGIN, 42, "title", "%s (%s, %s)", base_name(svg->path),
		  format_name(info.format), format_type_name(info.type));
}

char *svg_text(const struct svg *svg, size_t *len)
{
	double legend = TOP + ROW_HEIGHT * (svg->layers + 1) - 20;
	char *text = NULL;
	FILE *out = tool_must(open_memstream(&text, len));

	put_head(out, svg, (int)legend + 24 * (int)svg->layers + 84);
	put_bars(out, svg);
	put_legend(out, svg, legend);
	fputs("</svg>\n", out);
	tool_must(fclose(out) ? NULL : text);
	return text;
}

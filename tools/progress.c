/* SPDX-License-Identifier: BSD-2-Clause */
#include "progress.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "memory.h"
#include "size.h"

#define BAR_WIDTH 30

/* Both in milliseconds: a bar should move, a program wants one line. */
#define BAR_INTERVAL  200
#define JSON_INTERVAL 1000

enum mode {
	MODE_BAR,
	MODE_JSON,
	MODE_NONE,
};

const char *const progress_modes[] = {"bar", "json", "none", NULL};

struct progress {
	struct vhd_job *job;
	_Atomic uint64_t own_done; /* work of the tool itself */
	_Atomic uint64_t own_total;
	const char *what;
	enum mode mode;
	struct timespec start;
	struct sigaction old_int;
	struct sigaction old_term;

	pthread_t thread;
	bool has_thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop; /* under lock */
};

/* What the display shows. */
struct state {
	uint64_t done;
	uint64_t total;
	double seconds;
	double rate; /* bytes a second */
	double left; /* seconds; negative: unknown */
};

/* For the signal handler; set while work is under way. */
static struct vhd_job *volatile running_job;
static volatile sig_atomic_t canceled;

static void handle_signal(int signal_number)
{
	struct vhd_job *job = running_job;

	(void)signal_number;
	canceled = 1;
	if (job)
		vhd_job_cancel(job);
}

static double seconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) +
	       (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static struct state get_state(struct progress *p)
{
	struct state s = {.left = -1};

	vhd_job_progress(p->job, &s.done, &s.total);
	s.done += atomic_load(&p->own_done);
	s.total += atomic_load(&p->own_total);
	s.seconds = seconds_since(&p->start);
	s.rate = s.seconds > 0 ? (double)s.done / s.seconds : 0;
	if (s.rate > 0 && s.total >= s.done)
		s.left = (double)(s.total - s.done) / s.rate;
	return s;
}

static void draw_bar(struct progress *p, const struct state *s)
{
	char bar[BAR_WIDTH + 1], rate[SIZE_TEXT_SIZE], left[32] = "";
	double part = s->total ? (double)s->done / (double)s->total : 0;
	size_t full = (size_t)(part * BAR_WIDTH);
	unsigned eta = s->left < 0 ? 0 : (unsigned)(s->left + 0.5);

	full = full > BAR_WIDTH ? BAR_WIDTH : full;
	memset(bar, ' ', BAR_WIDTH);
	memset(bar, '#', full);
	bar[BAR_WIDTH] = '\0';
	if (s->left >= 0)
		snprintf(left, sizeof(left), "%u:%02u:%02u left", eta / 3600,
			 eta / 60 % 60, eta % 60);
	fprintf(stderr, "\r%s [%s] %3.0f%%  %s/s  %s\033[K", p->what, bar,
		part * 100, size_text((uint64_t)s->rate, rate), left);
	fflush(stderr);
}

static void print_json(const struct state *s)
{
	json_t *line = json_new_object();

	json_put_size(line, "done", s->done);
	json_put_size(line, "total", s->total);
	json_put_size(line, "rate", (uint64_t)s->rate);
	json_put(line, "seconds-left",
		 s->left < 0 ? json_null() : json_new_size((uint64_t)s->left));
	json_write(line, JSON_COMPACT, stderr);
	fputc('\n', stderr);
}

static void draw(struct progress *p)
{
	struct state s = get_state(p);

	if (p->mode == MODE_JSON)
		print_json(&s);
	else
		draw_bar(p, &s);
}

static struct timespec in_milliseconds(long milliseconds)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	t.tv_sec += milliseconds / 1000;
	t.tv_nsec += milliseconds % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_nsec -= 1000000000;
		t.tv_sec++;
	}
	return t;
}

static void *display(void *argument)
{
	struct progress *p = argument;
	long interval = p->mode == MODE_JSON ? JSON_INTERVAL : BAR_INTERVAL;

	pthread_mutex_lock(&p->lock);
	for (bool last = false; !last; draw(p)) {
		struct timespec until = in_milliseconds(interval);

		if (!p->stop)
			pthread_cond_timedwait(&p->changed, &p->lock, &until);
		last = p->stop;
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* The thread blocks all signals, so that they interrupt the work itself. */
static void start_thread(struct progress *p)
{
	sigset_t all, old;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	p->has_thread = pthread_create(&p->thread, NULL, display, p) == 0;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
}

static void catch_signals(struct progress *p)
{
	struct sigaction action = {.sa_handler = handle_signal};

	/* no SA_RESTART: a blocked write should notice */
	action.sa_flags = (int)SA_RESETHAND;
	running_job = p->job;
	canceled = 0;
	sigaction(SIGINT, &action, &p->old_int);
	sigaction(SIGTERM, &action, &p->old_term);
}

struct progress *progress_start(const struct progress_options *options,
				const char *what)
{
	struct progress *p = tool_zalloc(sizeof(*p));

	p->job = tool_must(vhd_job_new());
	p->what = what;
	p->mode = (enum mode)options->mode;
	if (options->quiet || (p->mode == MODE_BAR && !isatty(STDERR_FILENO)))
		p->mode = MODE_NONE;
	clock_gettime(CLOCK_MONOTONIC, &p->start);
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->changed, NULL);
	catch_signals(p);
	if (p->mode != MODE_NONE)
		start_thread(p);
	return p;
}

struct vhd_job *progress_job(struct progress *progress)
{
	return progress->job;
}

void progress_expect(struct progress *progress, uint64_t total)
{
	atomic_store(&progress->own_total, total);
}

void progress_add(struct progress *progress, uint64_t bytes)
{
	atomic_fetch_add(&progress->own_done, bytes);
}

bool progress_is_canceled(const struct progress *progress)
{
	(void)progress;
	return canceled;
}

void progress_stop(struct progress *progress)
{
	if (progress->has_thread) {
		pthread_mutex_lock(&progress->lock);
		progress->stop = true;
		pthread_cond_signal(&progress->changed);
		pthread_mutex_unlock(&progress->lock);
		pthread_join(progress->thread, NULL);
		if (progress->mode == MODE_BAR)
			fputc('\n', stderr);
	}
	sigaction(SIGINT, &progress->old_int, NULL);
	sigaction(SIGTERM, &progress->old_term, NULL);
	running_job = NULL;
	vhd_job_free(progress->job);
	pthread_cond_destroy(&progress->changed);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}

#include "contenders.h"

#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct contender {
	const float *rows; // count rows
	int count, width, size, next;
	float *input; // size rows
	const char *(*call)(contender *c);
	float *output;
	int stride; // floats a row of output
	// ONNX Runtime
	void **api;
	void *session, *in, *out[2];
	int64_t *labels;
	// XGBoost
	void *booster;
	char array[160];
	int (*predict)(void *, const char *, const char *, void *, const uint64_t **, uint64_t *, const float **);
	const char *(*error)(void);
	// compiled C: of double where the library's thresholds and leaves are
	void (*trees)(const void *, int, void *);
	double *wide_input, *wide_output;
};

static long long clock_ns(clockid_t clock) {
	struct timespec t;
	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

long long thread_ns(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

long long process_ns(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

static contender *new_contender(const float *rows, int count, int width, int size, int stride) {
	contender *c = calloc(1, sizeof *c);
	c->rows = rows, c->count = count, c->width = width, c->size = size, c->stride = stride;
	c->input = aligned_alloc(64, ((size_t)size * width * sizeof(float) + 63) / 64 * 64);
	c->output = calloc((size_t)size * stride, sizeof(float));
	for (int i = 0; i < size; i++)
		memcpy(c->input + (size_t)i * width, rows + (size_t)(i % count) * width, width * sizeof(float));
	return c;
}

const char *contender_run(contender *c, int calls, float *answer) {
	for (int i = 0; i < calls; i++) {
		if (c->size == 1) {
			memcpy(c->input, c->rows + (size_t)c->next * c->width, c->width * sizeof(float));
			c->next = (c->next + 1) % c->count;
		}
		const char *e = c->call(c);
		if (e)
			return e;
	}
	for (int i = 0; i < c->size; i++)
		answer[i] = c->output[i * c->stride + c->stride - 1];
	return NULL;
}

// ONNX Runtime's C API is a table of functions that only ever grows; these are the places of those used here.
enum { GetErrorMessage = 2, CreateEnv = 3, CreateSessionFromArray = 8, Run = 9, CreateSessionOptions = 10, SetIntraOpNumThreads = 24,
       SetInterOpNumThreads = 25, CreateTensorWithData = 49, CreateCpuMemoryInfo = 69 };
enum { VERSION = 17, WARNING = 2, DEVICE_ALLOCATOR = 0, DEFAULT_MEMORY = 0, FLOAT = 1, INT64 = 7 };
typedef void *(*create_env)(int, const char *, void **);
typedef void *(*create_session)(void *, const void *, size_t, void *, void **);
typedef void *(*create_options)(void **);
typedef void *(*set_threads)(void *, int);
typedef void *(*create_memory_info)(int, int, void **);
typedef void *(*create_tensor)(void *, void *, size_t, const int64_t *, size_t, int, void **);
typedef void *(*run)(void *, void *, const char *const *, void *const *, size_t, const char *const *, size_t, void **);

static const char *ort_call(contender *c) {
	static const char *const in[] = {"x"}, *const out[] = {"label", "probabilities"};
	void *status = ((run)c->api[Run])(c->session, NULL, in, &c->in, 1, out, 2, c->out);
	return status ? ((const char *(*)(void *))c->api[GetErrorMessage])(status) : NULL;
}

#define TRY(i, type, ...)                                                                      \
	do {                                                                                   \
		void *status = ((type)c->api[i])(__VA_ARGS__);                                 \
		if (status)                                                                    \
			return ((const char *(*)(void *))c->api[GetErrorMessage])(status);     \
	} while (0)

const char *ort_open(const char *library, const void *model, size_t bytes, const float *rows, int count, int width, int size, contender **result) {
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return dlerror();
	struct { void **(*get)(uint32_t); } *(*base)(void) = dlsym(lib, "OrtGetApiBase");
	if (!base)
		return dlerror();
	contender *c = new_contender(rows, count, width, size, 2);
	c->call = ort_call, c->api = base()->get(VERSION), c->labels = calloc(size, sizeof(int64_t));
	static void *env;
	void *options, *memory;
	if (!env)
		TRY(CreateEnv, create_env, WARNING, "bench", &env);
	TRY(CreateSessionOptions, create_options, &options);
	TRY(SetIntraOpNumThreads, set_threads, options, 1);
	TRY(SetInterOpNumThreads, set_threads, options, 1);
	TRY(CreateSessionFromArray, create_session, env, model, bytes, options, &c->session);
	TRY(CreateCpuMemoryInfo, create_memory_info, DEVICE_ALLOCATOR, DEFAULT_MEMORY, &memory);
	int64_t shape[] = {size, width}, scores[] = {size, 2};
	TRY(CreateTensorWithData, create_tensor, memory, c->input, (size_t)size * width * 4, shape, 2, FLOAT, &c->in);
	TRY(CreateTensorWithData, create_tensor, memory, c->labels, (size_t)size * 8, shape, 1, INT64, &c->out[0]);
	TRY(CreateTensorWithData, create_tensor, memory, c->output, (size_t)size * 8, scores, 2, FLOAT, &c->out[1]);
	*result = c;
	return NULL;
}

static const char *xgboost_call(contender *c) {
	static const char config[] = "{\"type\":0,\"training\":false,\"iteration_begin\":0,\"iteration_end\":0,\"strict_shape\":false,\"missing\":NaN}";
	const uint64_t *shape;
	uint64_t dims;
	const float *answer;
	if (c->predict(c->booster, c->array, config, NULL, &shape, &dims, &answer))
		return c->error();
	memcpy(c->output, answer, (size_t)c->size * sizeof(float));
	return NULL;
}

const char *xgboost_open(const char *library, const char *path, const float *rows, int count, int width, int size, contender **result) {
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return dlerror();
	int (*create)(const void *, uint64_t, void **) = dlsym(lib, "XGBoosterCreate");
	int (*load)(void *, const char *) = dlsym(lib, "XGBoosterLoadModel");
	int (*set)(void *, const char *, const char *) = dlsym(lib, "XGBoosterSetParam");
	contender *c = new_contender(rows, count, width, size, 1);
	c->call = xgboost_call, c->predict = dlsym(lib, "XGBoosterPredictFromDense"), c->error = dlsym(lib, "XGBGetLastError");
	if (!create || !load || !set || !c->predict || !c->error)
		return "libxgboost lacks a function";
	if (create(NULL, 0, &c->booster) || load(c->booster, path) || set(c->booster, "nthread", "1"))
		return c->error();
	snprintf(c->array, sizeof c->array, "{\"data\":[%zu,true],\"shape\":[%d,%d],\"typestr\":\"<f4\",\"version\":3}", (size_t)c->input, size, width);
	*result = c;
	return NULL;
}

static const char *compiled_call(contender *c) {
	memset(c->output, 0, (size_t)c->size * c->stride * sizeof(float));
	for (int i = 0; i < c->size; i++)
		c->trees(c->input + (size_t)i * c->width, 0, c->output + i * c->stride);
	return NULL;
}

static const char *compiled_wide_call(contender *c) {
	if (c->size == 1)
		for (int i = 0; i < c->width; i++)
			c->wide_input[i] = c->input[i];
	memset(c->wide_output, 0, (size_t)c->size * c->stride * sizeof(double));
	for (int i = 0; i < c->size; i++)
		c->trees(c->wide_input + (size_t)i * c->width, 0, c->wide_output + i * c->stride);
	for (int i = 0; i < c->size * c->stride; i++)
		c->output[i] = c->wide_output[i];
	return NULL;
}

const char *compiled_open(const char *library, const float *rows, int count, int width, int size, contender **result) {
	void *lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);
	if (!lib)
		return dlerror();
	void (*classes)(int32_t *) = dlsym(lib, "get_num_class");
	const char *(*thresholds)(void) = dlsym(lib, "get_threshold_type"), *(*leaves)(void) = dlsym(lib, "get_leaf_output_type");
	void (*trees)(const void *, int, void *) = dlsym(lib, "predict");
	if (!classes || !thresholds || !leaves || !trees)
		return dlerror();
	int32_t n;
	classes(&n);
	contender *c = new_contender(rows, count, width, size, n);
	c->call = compiled_call, c->trees = trees;
	if (strcmp(thresholds(), leaves()))
		return "thresholds and leaves of different types";
	if (!strcmp(leaves(), "float64")) {
		c->call = compiled_wide_call;
		c->wide_input = calloc((size_t)size * width, sizeof(double));
		c->wide_output = calloc((size_t)size * n, sizeof(double));
		for (int i = 0; i < size * width; i++)
			c->wide_input[i] = c->input[i];
	}
	*result = c;
	return NULL;
}

// What this service is compared with, each behind the same two calls: open a model, and run it many times.
//
// The loops over calls are in C, so that none of the contenders pays for crossing from Go to C.
#include <stddef.h>

typedef struct contender contender;

// size is the number of rows of one call. Rows hold count rows of width floats; a call of one row takes the next row each time, and a call of
// more takes the first size rows, going round. The message is NULL where all went well.
const char *ort_open(const char *library, const void *model, size_t bytes, const float *rows, int count, int width, int size, contender **out);
const char *xgboost_open(const char *library, const char *path, const float *rows, int count, int width, int size, contender **out);
const char *compiled_open(const char *library, const float *rows, int count, int width, int size, contender **out);

// thread_ns is the processor time that the calling thread has had, so that waiting for a busy core does not count.
long long thread_ns(void);

// process_ns is that of all its threads together, the garbage collector's among them.
long long process_ns(void);

// contender_run makes so many calls and returns the last answer: the score of the second class, per row of the call.
const char *contender_run(contender *c, int calls, float *answer);

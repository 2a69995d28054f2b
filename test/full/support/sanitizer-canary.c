// An addon that does one of the two things that sanitizers are for, so that a run in which they say nothing means something.
#include <limits.h>
#include <node_api.h>
#include <stdlib.h>
#include <string.h>

NAPI_MODULE_INIT() {
  const char *what = getenv("CANARY");
  if (what != NULL && strcmp(what, "overflow") == 0) {
    volatile int number = INT_MAX;
    number = number + 1;
  }
  if (what != NULL && strcmp(what, "write-beyond") == 0) {
    // Not known to the compiler, which would see it otherwise.
    volatile size_t size = 8;
    volatile char *bytes = malloc(size);
    bytes[size] = 1;
    free((void *)bytes);
  }
  (void)env;
  return exports;
}

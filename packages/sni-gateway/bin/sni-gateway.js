#!/usr/bin/env -S UV_THREADPOOL_SIZE=68 node --max-semi-space-size=8 --single-threaded-gc
import '../dist/main.js'

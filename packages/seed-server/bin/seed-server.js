#!/usr/bin/env -S UV_THREADPOOL_SIZE=68 node --max-semi-space-size=8
import '../dist/main.js'

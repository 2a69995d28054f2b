#!/usr/bin/env -S node --max-semi-space-size=8 --single-threaded-gc
import '../dist/main.js'

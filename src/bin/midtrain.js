#!/usr/bin/env node
/** The `midtrain` command. Starts on any Node; src/setup/launch.js does the rest. */
import { launch } from '../setup/launch.js';

launch(process.argv.slice(2));

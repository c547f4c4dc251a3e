#!/usr/bin/env node
/** The `mix` command: `midtrain mix` under its own name. */
import { launch } from '../setup/launch.js';

launch(['mix', ...process.argv.slice(2)]);

import { parseCommand, runSeeds } from "./command.ts";

// `./cairn simulate`: the one place of this program that touches process state.
const command = parseCommand(process.argv.slice(2));
const say = (line: string): void => void process.stdout.write(`${line}\n`);
if ("say" in command) {
  (command.exitCode === 0 ? process.stdout : process.stderr).write(`${command.say}\n`);
  process.exitCode = command.exitCode;
} else {
  process.exitCode = (await runSeeds(command, say)) ? 0 : 1;
}

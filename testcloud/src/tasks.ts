import { cephTasks } from "./ceph-tasks.ts";
import type { Cloud } from "./cloud.ts";
import { contentsTasks } from "./contents-tasks.ts";
import { databaseTasks } from "./database-tasks.ts";
import { machineTasks } from "./machine-tasks.ts";
import { servicesOf } from "./services.ts";
import type { Task } from "./task.ts";

/** All that `up` does behind packages and configuration: services are tasks, too. */
export function tasksOf(cloud: Cloud): Task[] {
  const { settings, supervisor } = cloud;
  const services = servicesOf(settings).map(
    (service): Task => ({
      name: service.name,
      after: service.after,
      weight: "light",
      perform: (signal) => supervisor.ensure(service, signal),
    }),
  );
  return [
    ...databaseTasks(cloud),
    ...machineTasks(cloud),
    ...(settings.profile === "full" ? cephTasks(cloud) : []),
    ...services,
    ...contentsTasks(cloud),
  ];
}

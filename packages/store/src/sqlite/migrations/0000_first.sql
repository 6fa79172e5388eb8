CREATE TABLE `api_keys` (
	`id` integer PRIMARY KEY NOT NULL,
	`prefix` text NOT NULL,
	`hash` text NOT NULL,
	`expires_at` integer,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `api_keys_prefix` ON `api_keys` (`prefix`);--> statement-breakpoint
CREATE TABLE `auth_keys` (
	`id` integer PRIMARY KEY NOT NULL,
	`tailnet` integer NOT NULL,
	`user_id` integer,
	`prefix` text NOT NULL,
	`hash` text NOT NULL,
	`reusable` integer NOT NULL,
	`ephemeral` integer NOT NULL,
	`used` integer NOT NULL,
	`tags` text NOT NULL,
	`expires_at` integer,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`tailnet`) REFERENCES `tailnets`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `auth_keys_prefix` ON `auth_keys` (`prefix`);--> statement-breakpoint
CREATE INDEX `auth_keys_user_id` ON `auth_keys` (`user_id`);--> statement-breakpoint
CREATE TABLE `auth_requests` (
	`id` text PRIMARY KEY NOT NULL,
	`purpose` text NOT NULL,
	`verdict` text NOT NULL,
	`node_id` integer,
	`created_at` integer NOT NULL,
	`expires_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `blobs` (
	`name` text PRIMARY KEY NOT NULL,
	`bytes` blob NOT NULL,
	`updated_at` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `changes` (
	`seq` integer PRIMARY KEY NOT NULL,
	`tailnet` integer NOT NULL,
	`revision` integer NOT NULL,
	`at` integer NOT NULL,
	`actor` text NOT NULL,
	`kind` text NOT NULL,
	`subject` text NOT NULL,
	`subject_id` text NOT NULL,
	`after` text
);
--> statement-breakpoint
CREATE UNIQUE INDEX `changes_revision` ON `changes` (`tailnet`,`revision`);--> statement-breakpoint
CREATE INDEX `changes_subject` ON `changes` (`subject`,`subject_id`,`seq`);--> statement-breakpoint
CREATE INDEX `changes_kind` ON `changes` (`kind`,`seq`);--> statement-breakpoint
CREATE INDEX `changes_at` ON `changes` (`at`);--> statement-breakpoint
CREATE TABLE `nodes` (
	`id` integer PRIMARY KEY NOT NULL,
	`tailnet` integer NOT NULL,
	`machine_key` text NOT NULL,
	`node_key` text NOT NULL,
	`nl_key` text,
	`hostname` text NOT NULL,
	`name` text NOT NULL,
	`renamed` integer NOT NULL,
	`user_id` integer,
	`tags` text,
	`ipv4` text,
	`ipv6` text,
	`expiry` integer,
	`ephemeral` integer NOT NULL,
	`register_method` text NOT NULL,
	`auth_key_id` integer,
	`approved_routes` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`tailnet`) REFERENCES `tailnets`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	CONSTRAINT "nodes_one_owner" CHECK((user_id is null) <> (tags is null))
);
--> statement-breakpoint
CREATE UNIQUE INDEX `nodes_node_key` ON `nodes` (`node_key`);--> statement-breakpoint
CREATE UNIQUE INDEX `nodes_name` ON `nodes` (`tailnet`,`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `nodes_ipv4` ON `nodes` (`ipv4`);--> statement-breakpoint
CREATE UNIQUE INDEX `nodes_ipv6` ON `nodes` (`ipv6`);--> statement-breakpoint
CREATE INDEX `nodes_user_id` ON `nodes` (`user_id`);--> statement-breakpoint
CREATE TABLE `policies` (
	`id` integer PRIMARY KEY NOT NULL,
	`tailnet` integer NOT NULL,
	`text` text NOT NULL,
	`sha256` text NOT NULL,
	`size_bytes` integer NOT NULL,
	`actor` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`tailnet`) REFERENCES `tailnets`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE INDEX `policies_tailnet` ON `policies` (`tailnet`,`id`);--> statement-breakpoint
CREATE TABLE `presence` (
	`node_id` integer PRIMARY KEY NOT NULL,
	`tailnet` integer NOT NULL,
	`last_seen` integer,
	`disco_key` text,
	`endpoints` text NOT NULL,
	`home_derp` integer NOT NULL,
	`hostinfo` text NOT NULL,
	`cap_version` integer NOT NULL,
	FOREIGN KEY (`node_id`) REFERENCES `nodes`(`id`) ON UPDATE no action ON DELETE cascade
);
--> statement-breakpoint
CREATE TABLE `revisions` (
	`tailnet` integer PRIMARY KEY NOT NULL,
	`revision` integer NOT NULL,
	CONSTRAINT "revisions_in_step" CHECK(revision > 0)
);
--> statement-breakpoint
CREATE TABLE `sequences` (
	`subject` text PRIMARY KEY NOT NULL,
	`next` integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE `tailnets` (
	`id` integer PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`default_owner` integer,
	`created_at` integer NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `tailnets_name` ON `tailnets` (`name`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` integer PRIMARY KEY NOT NULL,
	`tailnet` integer NOT NULL,
	`name` text NOT NULL,
	`display_name` text NOT NULL,
	`email` text NOT NULL,
	`provider_id` text NOT NULL,
	`provider` text NOT NULL,
	`profile_pic_url` text NOT NULL,
	`role` text NOT NULL,
	`created_at` integer NOT NULL,
	FOREIGN KEY (`tailnet`) REFERENCES `tailnets`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_local_name` ON `users` (`tailnet`,`name`) WHERE provider_id = '';--> statement-breakpoint
CREATE UNIQUE INDEX `users_provider_id` ON `users` (`tailnet`,`provider_id`) WHERE provider_id <> '';
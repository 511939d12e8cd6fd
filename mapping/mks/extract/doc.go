// Package extract makes resources of completed answers to our forms, for whoever sends no records (mks.md 6.1).
package extract

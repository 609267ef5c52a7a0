import { EngineRoom } from "./admin/engine-room.ts";

new EngineRoom(document.body).start();

import "./ui/base.css";
import "./ui/controls.css";

import { Dashboard } from "./admin/dashboard.ts";

new Dashboard(document.body).start();

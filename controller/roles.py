"""What a person of the centre is here (requirements: Roles)."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A role. Somebody may have several; what each may do stands in people.py and in the views."""

    GUIDE = "guide"  # 导办员
    CLERK = "clerk"  # 窗口人员
    WINDOW_LEAD = "window_lead"  # 窗口负责人
    DEPARTMENT_ADMIN = "department_admin"  # 进驻部门管理员
    HALL_MANAGER = "hall_manager"  # 大厅管理员
    DIRECTOR = "director"  # 中心主任
    SUPERVISOR = "supervisor"  # 监察人员
    LEADER_VIEW = "leader_view"  # 领导
    ADMIN = "admin"  # 系统管理员
    TECHNICIAN = "technician"  # 设备维护员
